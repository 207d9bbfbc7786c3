// Package pvcprotection keeps claims from going away under the pods that use them, and says since when a claim has been used by
// none. It is kube-controller-manager's persistentvolumeclaim-protection-controller.
//
// It watches PersistentVolumeClaims, and the pods that name them. It owns the finalizer kubernetes.io/pvc-protection, which the
// admission of the API server puts on every claim, and the condition Unused.
//
// # What it promises
//
//   - A claim that is being deleted keeps the finalizer while a pod that has a node uses it, also one that has ended: its volumes may
//     still be mounted. A pod without a node does not count: no node agent starts a pod whose claim is being deleted.
//   - A pod that has been deleted without grace no longer holds the claims of its ephemeral volumes: they would wait for each other.
//   - Before the finalizer goes, the API server itself is asked for pods that the cache does not show yet.
//   - A claim that is not being deleted has the finalizer.
//
// # What it says
//
// The condition Unused of a bound claim is True (NoPodsUsingPVC) when no pod that has not ended refers to it, with a node or without,
// and False (PodUsingPVC) otherwise; its time is since when.
package pvcprotection
