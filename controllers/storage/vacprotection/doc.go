// Package vacprotection keeps VolumeAttributesClasses from going away while volumes have them, or claims ask for them. It is
// kube-controller-manager's volumeattributesclass-protection-controller.
//
// It watches VolumeAttributesClasses, PersistentVolumes and PersistentVolumeClaims. It owns the classes' finalizer
// kubernetes.io/vac-protection, which the admission of the API server puts on every class.
//
// # What it promises
//
//   - A class that is being deleted keeps the finalizer while a volume has it, or while a claim asks for it, has it, or is being brought
//     to it.
//   - Before the finalizer goes, the API server itself is asked for volumes and claims that the cache does not show yet.
//   - A class that is not being deleted has the finalizer.
package vacprotection
