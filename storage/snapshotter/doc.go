// Package snapshotter has a CSI driver take the snapshots that contents ask for, and delete them. It is what the sidecar
// external-snapshotter is beside a driver that runs on each node (--node-deployment), for any such driver.
//
// It watches VolumeSnapshotContents, VolumeSnapshotClasses and PersistentVolumes. It owns the status of contents of the driver at its place,
// their finalizer, their annotation volumesnapshot-being-created and their label snapshot.storage.kubernetes.io/managed-by, which says
// where their snapshot is.
//
// # Which contents it serves
//
// Those that name the driver, and by their label this place. One without the label is here if the volume that it is of is held here, or
// if the driver has the snapshot that it names: it gets the label then. Contents of groups are left alone.
//
// # What it promises
//
//   - There is one snapshot for a content: the driver knows it by the name that is made of the VolumeSnapshot's UID, and takes it once.
//   - Before the driver is asked for one, that is written down (volumesnapshot-being-created), and stays so until it has answered. Until
//     then the content does not go: nothing that the driver takes is left with it unknown, whenever the process ends.
//   - A content that is being deleted together with its VolumeSnapshot, and has the deletion policy Delete, goes after the driver has
//     deleted the snapshot. One that people delete alone stays until its VolumeSnapshot is deleted as well.
//
// # What it says
//
// The status of the content, and events of external-snapshotter, letter by letter: SnapshotCreationFailed,
// SnapshotContentCheckandUpdateFailed, SnapshotDeleteError.
//
// # What differs
//
// It reads no Secrets: a content whose class names some is not served.
package snapshotter
