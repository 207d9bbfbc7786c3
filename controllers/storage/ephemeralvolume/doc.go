// Package ephemeralvolume makes the claims of pods' generic ephemeral volumes. It is kube-controller-manager's
// ephemeral-volume-controller.
//
// It watches pods that have such volumes, and PersistentVolumeClaims that go. A claim has the name POD-VOLUME, the spec, labels and
// annotations of the volume's template, and the pod as its controller, with which garbage collection lets it go.
//
// # What it promises
//
//   - A pod that is not being deleted has a claim for each of its ephemeral volumes; one that somebody deletes is made again.
//   - A claim of that name which is not the pod's own is neither changed nor used: the pod waits until it is gone. It holds up none
//     of the pod's other claims.
//   - A claim that exists is never changed: the volumes of a pod never change either.
//
// # What it says
//
// The event FailedBinding, a warning on the pod, where a claim could not be made or is somebody else's.
package ephemeralvolume
