// Package suite runs upstream's tests with Ginkgo against a cluster, and reads what became of each.
//
// It promises that the tests that want the cluster for themselves run alone, after the others; that each test's end is told as it comes;
// and that an interrupted run still reports what had ended by then. A test that was interrupted has no result.
package suite
