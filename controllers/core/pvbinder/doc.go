// Package pvbinder finds volumes for claims, and binds the two to each other. It is the part of kube-controller-manager's
// persistentvolume-binder-controller that decides for claims; what becomes of a volume is decided in room core/pvreclaimer.
//
// It watches PersistentVolumeClaims, PersistentVolumes, StorageClasses, and pods that name claims. It owns what ties a claim to a
// volume: spec.volumeName and the phase, access modes and capacity of the claim, spec.claimRef of the volume, and the annotations
// pv.kubernetes.io/bind-completed and bound-by-controller.
//
// # What it promises
//
//   - A claim gets a volume that names it, or else the smallest one that will do, of those with the fewest access modes: of its
//     class, volume mode, selector and attributes class, and free.
//   - Where the claim's class waits for the first consumer it chooses none: it binds what the scheduler has chosen.
//   - No volume is bound to two claims, and no claim to two volumes. A binding is four writes: the volume names the claim; its phase
//     is Bound, which protects it; the claim names the volume, with bind-completed; its phase is Bound. Each is locked to what was
//     observed, and after a crash in between the volume that names the claim is found first. One that is not, as a cache may be behind
//     then, is let go by core/pvreclaimer.
//   - A claim that asks for a volume by name gets that one or none.
//   - A claim without a class, for which there is no volume, gets the default class, also when that comes later.
//   - A claim that no volume is found for is handed to the provisioner of its class, by the annotations
//     volume.kubernetes.io/storage-provisioner and volume.beta.kubernetes.io/storage-provisioner; a class that waits for the first
//     consumer only once the scheduler has written volume.kubernetes.io/selected-node. To take that back, so that the scheduler
//     chooses anew, is for the provisioner.
//   - A claim whose volume is gone, or is another claim's, is Lost. Before that is said the API server itself is asked for the volume.
//
// # What it says
//
// On claims, once for as long as it is so: FailedBinding, VolumeMismatch, WaitForFirstConsumer, WaitForPodScheduled,
// ExternalProvisioning, ProvisioningFailed; and ClaimLost and ClaimMisbound when they are lost.
//
// # What differs
//
// kube-controller-manager can be told to provision directories of its own machine as volumes, for tests
// (--enable-hostpath-provisioner). This loop provisions nothing itself.
package pvbinder
