// Package namespace takes a deleted Namespace out of the cluster, with all that is in it. It is kube-controller-manager's
// namespace-controller.
//
// It watches Namespaces, and works on those that are being deleted and still have the finalizer "kubernetes" in their spec. It finds the
// kinds that live in namespaces by discovery, and what is left of each by asking the API server: there is no cache of
// everything. The order is upstream's: all Pods go first, and only when none is left the rest, all kinds side by side,
// so that no Pod loses the Secrets, claims or policies that it runs under. Last the finalizer goes, and with it the
// Namespace.
//
// # What it promises
//
//   - The finalizer stays until every kind of every group could be listed and nothing of any is left. A kind that was empty
//     after the wait below stays empty, since nothing can be created any more, and is not listed again: a namespace goes also
//     where some of all requests fail all the time.
//   - A group that does not answer, or a kind that cannot be deleted, holds up no other.
//   - Nothing is deleted twice: what is being deleted already is waited for. The waits begin short and grow with the
//     age of the deletion, up to half of the longest grace period that is running, or 8.5 s for finalizers.
//   - The finalizer stays for 5 s at least, unless Options say otherwise: another API server may not have seen the
//     deletion yet and still let objects in.
//
// # Conditions
//
// They stand on the Namespace while it is being deleted. True means trouble:
//
//	NamespaceDeletionDiscoveryFailure           DiscoveryFailed            a group did not say which kinds it has
//	NamespaceDeletionGroupVersionParsingFailure GroupVersionParsingFailed  a group has a version that makes no sense
//	NamespaceDeletionContentFailure             ContentDeletionFailed      a kind could not be listed or deleted, or its objects stay
//	NamespaceContentRemaining                   SomeResourcesRemain        how many objects are left, by kind
//	NamespaceFinalizersRemaining                SomeFinalizersRemain       how many objects wait, by finalizer
//
// While Pods are left the last two tell of them; upstream says meanwhile that nothing remains.
//
// It never deletes a Namespace, and never removes another's finalizer.
package namespace
