// Package pvprotection keeps volumes from going away while claims are bound to them. It is kube-controller-manager's
// persistentvolume-protection-controller.
//
// It watches PersistentVolumes only. It owns their finalizer kubernetes.io/pv-protection, which the admission of the API server puts
// on every volume.
//
// # What it promises
//
//   - A volume that is being deleted keeps the finalizer while its phase is Bound.
//   - One that is not being deleted has the finalizer.
package pvprotection
