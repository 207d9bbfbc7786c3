// Package resourceclaim lets go of ResourceClaims that nobody uses any more. With package podresourceclaim, which makes claims for
// pods and reserves them, it is kube-controller-manager's resourceclaim-controller.
//
// It watches ResourceClaims, and pods that come to their end. It owns what leaves a claim's status.reservedFor, and the end of the
// finalizer resource.kubernetes.io/delete-protection, which the scheduler puts on a claim that it allocates.
//
// # What it promises
//
//   - A pod is taken off reservedFor when it has ended, when it is being deleted and never had a node, and when it is gone or another
//     has its name. A pod that the cache does not show is looked for on the API server first: the scheduler may know it already.
//   - Who is no pod stays on reservedFor.
//   - With its last consumer a claim loses its allocation, so that its devices are free for others, and then the finalizer. A claim
//     that was allocated before anybody used it keeps its allocation until it is deleted.
//   - A claim that was made for a pod which does not need it any more is deleted when nobody uses it. Where the pod is not known,
//     garbage collection deletes the claim.
//
// # What it does not do
//
// Claims of whole PodGroups are behind a gate of kube-controller-manager which is off by default (DRAWorkloadResourceClaims): who is
// on reservedFor as a PodGroup stays there.
package resourceclaim
