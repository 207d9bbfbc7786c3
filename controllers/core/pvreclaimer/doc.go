// Package pvreclaimer tells the phase of volumes, and does with those whose claims are gone what their reclaim policy says. It is the
// part of kube-controller-manager's persistentvolume-binder-controller that decides for volumes; claims find their volumes in room
// core/pvbinder.
//
// It watches PersistentVolumes, PersistentVolumeClaims, and pods: those that scrub volumes, and those that use their claims. It owns
// the phase of a volume, but that the binder says Bound before a claim is; the annotation pv.kubernetes.io/migrated-to and the
// finalizer kubernetes.io/pv-controller of volumes that were provisioned; and the pods recycler-for-VOLUME in the namespace default.
//
// # What it promises
//
//   - A volume is Available while it names no claim by its UID, Bound while the claim that it names names it, and Released, or Failed,
//     when that claim is gone. The API server itself is asked whether it is.
//   - A volume that names a claim which has got another one is let go: it names none any more, or the claim without its UID where it
//     was a person who reserved it. One that was provisioned for the claim, and has the policy Delete, is released.
//   - Retain: a released volume is left to people. Delete: it is left to whoever provisioned it, or to the driver that has taken over
//     from that plugin.
//   - Recycle: of a volume in a directory of a node, or of NFS, a pod removes all files, after which it is Available again. Only a pod
//     that this loop has made after that claim counts, which the annotation orrery.dev/recycler of the volume tells by their UIDs.
//     None is made while pods use the claim that is gone, and one that failed is made again after 15 s.
//
// # What it says
//
// On volumes: VolumeFailedDelete, VolumeFailedRecycle and VolumeUnknownReclaimPolicy, warnings when it comes to be Failed for that
// reason, with the same in its message; VolumeRecycled; and VolumeFailedRecycle, no warning, while pods use it. On a volume and the
// claim that it names, where one is a block device and the other is not: VolumeMismatch.
//
// # What differs
//
// kube-controller-manager removes the directory of a volume with the policy Delete from the machine that it runs on, if it is below
// /tmp, which it calls a thing for tests. This loop removes nothing from its machine: such a volume fails to be deleted, as one of NFS
// does there. It does not repeat the events of the pod that scrubs a volume as events of the volume (RecyclerPod).
package pvreclaimer
