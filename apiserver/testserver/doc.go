// Package testserver starts API servers for tests, one call each: ready when it returns, and stopped when the test ends.
//
// [Start] starts one of ours in the process of the test, [StartPlain] upstream's in processes of its own, which knows nothing of
// us. Nothing else acts on them. For a whole control plane in a test, see package envtest.
package testserver
