package snapshotkinds

import (
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
)

// The finalizers of external-snapshotter.
const (
	// ContentFinalizer keeps a VolumeSnapshotContent until its driver has deleted the snapshot, if it is to.
	ContentFinalizer = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"
	// BoundFinalizer keeps a VolumeSnapshot until its content is gone that is deleted with it.
	BoundFinalizer = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
	// SourceFinalizer keeps a VolumeSnapshot while claims are made of it.
	SourceFinalizer = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
	// ClaimFinalizer keeps a claim while snapshots are taken of it.
	ClaimFinalizer = "snapshot.storage.kubernetes.io/pvc-as-source-protection"
)

// Annotations and labels of external-snapshotter.
const (
	// DefaultClass is the annotation of the class of snapshots that name none; its value is "true".
	DefaultClass = "snapshot.storage.kubernetes.io/is-default-class"
	// BeingDeleted is the annotation of a VolumeSnapshotContent whose VolumeSnapshot is being deleted.
	BeingDeleted = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"
	// BeingCreated is the annotation of a VolumeSnapshotContent of which the driver may be taking the snapshot.
	BeingCreated = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
	// GroupHandle is the annotation of a VolumeSnapshotContent that is of a group, and so nobody's here.
	GroupHandle = "groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle"
	// ManagedBy is the label of a VolumeSnapshotContent that says where its snapshot is, for drivers that run on each node: the value is
	// that node's name.
	ManagedBy = "snapshot.storage.kubernetes.io/managed-by"
)

// ContentName is what the content of a snapshot is called that is taken of a claim.
func ContentName(s *snapshotv1.VolumeSnapshot) string { return "snapcontent-" + string(s.UID) }

// IsReady says that volumes can be made of a snapshot.
func IsReady(s *snapshotv1.VolumeSnapshot) bool {
	return s.Status != nil && s.Status.ReadyToUse != nil && *s.Status.ReadyToUse
}

// PointsBack says that a content names a snapshot as the one that it is bound to.
func PointsBack(content *snapshotv1.VolumeSnapshotContent, s *snapshotv1.VolumeSnapshot) bool {
	ref := content.Spec.VolumeSnapshotRef
	return ref.Namespace == s.Namespace && ref.Name == s.Name && ref.UID == s.UID
}
