// Package statefulset keeps the pods of StatefulSets: each with a number, a name and claims of its own, made, rolled and taken away in
// order. It is kube-controller-manager's statefulset-controller.
//
// It owns the pods, the ControllerRevisions and the status of StatefulSets, the claims that it makes for them, and who owns these. It
// watches StatefulSets, pods and ControllerRevisions that they control or would adopt, and PersistentVolumeClaims that come or go.
//
// # What it promises
//
//   - There are never two pods of one number, and a pod is made only after its claims are there.
//   - Under OrderedReady a pod is made when all below it are available, and taken away, the highest first, when nothing else is missing;
//     under Parallel all at once.
//   - A pod that has ended, however, is deleted and made anew.
//   - A roll deletes pods of an old revision from the highest down to the partition, and no more than maxUnavailable are not available
//     meanwhile. Under Parallel pods that are not available anyway go first, and do not count.
//   - A pod below the partition is made anew of the current revision, all others of the newest. Under OnDelete nothing is deleted for
//     a roll.
//   - Claims stay, unless persistentVolumeClaimRetentionPolicy says Delete: then a StatefulSet owns them (WhenDeleted), or a pod that is
//     taken away does (WhenScaled), and they are collected with it. Claims that have another controller are left to that.
//   - While a claim of a pod is on its way out, or a pod of somebody else's has its name, the pod is not made.
//   - Revisions in use, and as many others as revisionHistoryLimit says, are kept.
//   - A StatefulSet that is being deleted only has its status kept; upstream makes its newest revision again, as often as garbage
//     collection deletes it.
//
// # What it says
//
// Events, about the StatefulSet: SuccessfulCreate and FailedCreate (of pods and of claims), SuccessfulDelete, FailedDelete, and
// ConflictingController and InvalidSelector. Where the selector does not match the labels of the template, which no API server lets in, no
// pod is made, and FailedCreate says so; so it does, once, where a pod that is not its own has the name of one that is to be made, of which
// upstream says nothing.
package statefulset
