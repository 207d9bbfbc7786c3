// Package tests knows the conformance tests of the Kubernetes that go.mod pins: their names are read from upstream's own list, which
// is compiled in.
//
// It promises that every test it returns is in that list, in the list's order. It never runs one.
package tests
