// Package podgroupprotection keeps PodGroups from going away under their pods. It is kube-controller-manager's
// podgroup-protection-controller.
//
// It watches PodGroups, and pods that come to their end. It owns the finalizer scheduling.k8s.io/podgroup-protection, which the
// admission of the API server puts on every PodGroup.
//
// # What it promises
//
//   - A PodGroup that is being deleted keeps the finalizer while a pod of it has not ended, with a node or without.
//   - Before the finalizer goes, the API server itself is asked for pods that the cache does not show yet.
//   - A PodGroup that is not being deleted has the finalizer.
package podgroupprotection
