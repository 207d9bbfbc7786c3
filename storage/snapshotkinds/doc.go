// Package snapshotkinds has the kinds of snapshot.storage.k8s.io, VolumeSnapshot, VolumeSnapshotContent and VolumeSnapshotClass, as a
// cluster gets to know them, and the names by which the loops over them note things.
//
// The Go types are those of external-snapshotter's client, and so are the definitions below definitions/, which controller-gen writes from
// the markers of those types, with all of their rules. Other clusters have them installed by whoever installs a snapshot controller:
// what is there already is left as it is (see [Define]).
//
// It decides nothing. What becomes of snapshots is decided by packages snapshotcontroller and snapshotter.
package snapshotkinds
