// Package deleter has a CSI driver delete the volumes that nobody wants any more. It is the other half of external-provisioner.
//
// It watches PersistentVolumes. It owns the finalizer external-provisioner.volume.kubernetes.io/finalizer, and the end of those volumes of the
// driver that are Released and have the reclaim policy Delete; that they are Released is what the loop over volumes says.
//
// # What it promises
//
//   - A volume of the driver, in its place, is deleted by the driver first, and then as an object: nothing is left that no object tells of.
//   - While the driver refuses, as while the volume is mounted, the object stays, and it is tried again.
//   - A volume of which people delete the object is kept by the finalizer until the driver has deleted it as well, or until its policy
//     is Retain: then nothing of it is deleted, and the finalizer goes.
//
// # What it says
//
// VolumeFailedDelete on the volume, with the driver's error.
//
// # What differs
//
// external-provisioner waits for VolumeAttachments of a volume to go where its driver attaches volumes. Drivers here attach none.
package deleter
