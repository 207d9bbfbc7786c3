// Package snapshotcontroller binds the snapshots that people ask for to contents, and lets both go when they are not wanted any more. It
// is what the snapshot-controller of external-snapshotter is, for the snapshots of one driver at its place.
//
// It watches VolumeSnapshots, VolumeSnapshotContents, VolumeSnapshotClasses, PersistentVolumeClaims and PersistentVolumes. It owns the
// contents snapcontent-UID and the contents' binding and annotation volumesnapshot-being-deleted, the status of snapshots and their two
// finalizers, and the finalizer of claims that snapshots are taken of.
//
// # Whose a snapshot is
//
// The one is served whose content, or else the volume of its claim, is of the driver and at its place; where there is neither, it is
// whose class names the driver. All else is left to whom it belongs. Of a snapshot of which nothing tells whose it is, whoever comes first
// says what it lacks, and once it is deleted lets it go: it has nothing that its finalizers would keep.
//
// A snapshot-controller beside it, which another driver brings along, serves all drivers: it makes the same objects by the same names and
// says the same, and whoever comes second finds it done.
//
// # What it promises
//
//   - A snapshot of a claim gets one content, which has its class's deletion policy and says where the volume is. The claim cannot go
//     before the snapshot is ready.
//   - A snapshot of a content that people made is bound to it if each names the other.
//   - With the deletion policy Delete a snapshot goes after its content, which goes after what the driver has; with Retain both stay.
//   - While a claim is being made of a snapshot, the snapshot stays.
//   - A snapshot that names no class gets the one default class of the driver.
//
// # What it says
//
// The status of the snapshot mirrors that of its content; what keeps it from having one is its error. Events of snapshot-controller,
// letter by letter: CreatingSnapshot, SnapshotCreated, SnapshotReady, SnapshotDeletePending, CreateSnapshotContentFailed,
// SnapshotContentCreationFailed, GetSnapshotClassFailed, SetDefaultSnapshotClassFailed, SnapshotContentMissing, SnapshotContentMismatch and
// SnapshotContentMisbound.
//
// # What differs
//
// A snapshot that has been taken is not taken anew when its content is lost: what it would hold is not what it held. A snapshot that has
// its content does not need its class any more. A class of another driver than the volume's is refused, where snapshot-controller makes a
// content that nobody can serve. Classes that name Secrets are refused, and groups of snapshots are not served.
package snapshotcontroller
