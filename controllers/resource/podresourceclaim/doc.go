// Package podresourceclaim gives pods the ResourceClaims that they ask for. With package resourceclaim, which lets go of claims that
// nobody uses any more, it is kube-controller-manager's resourceclaim-controller.
//
// It works on pods with claims. It watches them, ResourceClaims, ResourceClaimTemplates that come, and PodGroups. It owns the claims
// that it makes from templates, and the pods' status.resourceClaimStatuses. It writes claims, which have one name on every cluster,
// and so acts on the cluster's kinds although a pod has two names.
//
// # What it promises
//
//   - Each claim of a pod that is to be made from a template has a ResourceClaim with the spec, labels and annotations of the template,
//     a name that begins with POD-CLAIM-, the annotation resource.kubernetes.io/pod-claim-name and the pod as its controller.
//     When all are there, the pod's status tells their names. One that somebody deletes is made again.
//   - A claim that was made before and is not in the status is used, and no other is made in its place.
//   - Claims are made in the order of the pod's spec, up to the first that cannot be.
//   - A pod that was put on a node by others than the scheduler gets the claims reserved that are allocated.
//   - A pod that is being deleted or has ended gets nothing. (kube-controller-manager makes and reserves claims for pods that have
//     ended, which it then takes away from them again.)
//   - A pod of a PodGroup gets nothing before the PodGroup exists.
//
// # What it says
//
// The event FailedResourceClaimCreation, a warning on the pod, where a claim could not be made: it has no template, or the API server
// refused it, as it does where a claim for administrators is asked for in a namespace that is not labelled for them.
//
// # What it does not do
//
// Claims that pods of a PodGroup share are behind a gate of kube-controller-manager which is off by default
// (DRAWorkloadResourceClaims). They are not made here, which the event says of pods that ask for them.
package podresourceclaim
