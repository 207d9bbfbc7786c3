// Package testserver starts API servers for tests, one call each: ready when it returns, and stopped when the test ends.
//
// It is for tests of one part against an API server that nothing else acts on. For a whole control plane in a test, see
// package envtest.
package testserver
