// Package replica is a copy of a cluster in memory that answers an API client as the cluster would.
//
//	r := replica.New(replica.Of(config, naming))
//	client := kubernetes.NewForConfig(r.Config())
//
// A kind is copied when it is first asked for, in one list, and is then the replica's own: it can be read, watched and
// written, and nothing of that reaches the cluster again. That is so by construction. A replica holds no client of the
// cluster but an Origin, which can only list; and the transport of Of refuses every method but GET.
//
// The replica speaks Kubernetes' own names whatever the cluster's naming, so that whoever uses it need not know.
//
// It does what a scheduler needs of an API server: lists and watches with selectors, creation, updates, merge patches,
// deletion, status, bindings and evictions. It checks nothing, has no admission and no garbage collection, keeps no history
// but that of its own changes, and runs no controllers; OnWrite is the place for those that a caller wants to stand in for.
package replica
