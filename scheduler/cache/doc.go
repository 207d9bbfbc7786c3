// Package cache knows which pods are on which node, including those that the scheduler has decided on and that the API
// server does not show yet.
//
// A pod takes one of these ways:
//
//	Assume ── Add (the API server shows the assignment) ── Update ... ── Remove
//	   ├───── Forget (the binding failed)
//	   └───── Expire (the binding ended long ago, and no assignment was ever shown)
//
// Snapshot brings an earlier copy up to date and costs as much as there are changed nodes, not nodes. Within one attempt
// plugins see one Snapshot, whatever arrives meanwhile. A Snapshot can be changed on trial (StartMutations, Assume), which
// is taken back at the cost of the nodes touched, and it tells a reader which nodes changed since the reader last looked
// (ChangedSince), by whatever cause.
//
// The cache is safe for concurrent use. A Snapshot is not: one goroutine at a time updates it, and nobody reads it while
// that happens. The cache never calls the API and never decides anything.
package cache
