// Package tests knows Kubernetes' own tests, of the version that go.mod pins, by suites: named choices of them. The suite of conformance
// is upstream's list of conformance tests, which is compiled in; the others choose by name among all tests that upstream's program has.
//
// It promises that the tests of a suite are upstream's, by their full names, and always in the same
// order. It never runs one.
package tests
