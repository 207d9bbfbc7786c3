// Package soak draws faults for a control plane of several members from a seed, and judges what its clients have seen meanwhile.
//
// It promises that the same seed gives the same faults in the same order, and that what it calls right is right by these rules: each
// object is a register that is changed by compare-and-swap on its resourceVersion, and what was written and read of it is linearizable
// (so that no acknowledged write is lost, and no read is of the past); each watch tells of every change once, in the order of
// resourceVersions, and of nothing that nobody wrote.
//
// All of it is pure. What does the faults, and asks a real control plane meanwhile, is test/e2e (soak_test.go); `make soak` runs it for
// as long as one likes.
package soak
