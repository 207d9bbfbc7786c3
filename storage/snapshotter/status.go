package snapshotter

import (
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// isReady says that volumes can be made of the snapshot of a content.
func isReady(content *snapshotv1.VolumeSnapshotContent) bool {
	return content.Status != nil && content.Status.ReadyToUse != nil && *content.Status.ReadyToUse
}

// isTaken says that the driver has told which snapshot it has taken.
func isTaken(content *snapshotv1.VolumeSnapshotContent) bool {
	return content.Status != nil && content.Status.SnapshotHandle != nil
}

// isBeingTaken says that the driver has been asked for a snapshot, and may not have answered.
func isBeingTaken(content *snapshotv1.VolumeSnapshotContent) bool {
	_, being := content.Annotations[snapshotkinds.BeingCreated]
	return being
}

// asking is a content whose snapshot the driver is being asked for.
func asking(content *snapshotv1.VolumeSnapshotContent) *snapshotv1.VolumeSnapshotContent {
	asked := content.DeepCopy()
	metav1.SetMetaDataAnnotation(&asked.ObjectMeta, snapshotkinds.BeingCreated, "yes")
	return asked
}

// answered is a content whose snapshot the driver is not being asked for any more.
func answered(content *snapshotv1.VolumeSnapshotContent) *snapshotv1.VolumeSnapshotContent {
	told := content.DeepCopy()
	delete(told.Annotations, snapshotkinds.BeingCreated)
	return told
}

// taken is a content whose snapshot the driver has. When it was taken, and how large it was then, does not change any more.
func taken(content *snapshotv1.VolumeSnapshotContent, s *csi.Snapshot, now time.Time) *snapshotv1.VolumeSnapshotContent {
	told := content.DeepCopy()
	if told.Status == nil {
		told.Status = &snapshotv1.VolumeSnapshotContentStatus{}
	}
	is := told.Status
	if is.SnapshotHandle == nil {
		is.SnapshotHandle = new(s.GetSnapshotId())
	}
	if is.CreationTime == nil {
		is.CreationTime = new(now.UnixNano())
		if at := s.GetCreationTime(); at != nil {
			is.CreationTime = new(at.AsTime().UnixNano())
		}
	}
	if is.RestoreSize == nil && s.GetSizeBytes() > 0 {
		is.RestoreSize = new(s.GetSizeBytes())
	}
	if is.ReadyToUse = new(s.GetReadyToUse()); s.GetReadyToUse() {
		is.Error = nil
	}
	return told
}

// dropped is a content whose snapshot the driver has deleted.
func dropped(content *snapshotv1.VolumeSnapshotContent) *snapshotv1.VolumeSnapshotContent {
	told := content.DeepCopy()
	is := told.Status
	is.SnapshotHandle, is.ReadyToUse, is.CreationTime, is.RestoreSize = nil, nil, nil, nil
	return told
}

// says that the status of a content tells of an error already.
func says(content *snapshotv1.VolumeSnapshotContent, message string) bool {
	return content.Status != nil && content.Status.Error != nil && content.Status.Error.Message != nil && *content.Status.Error.Message == message
}

// failed is a content whose status tells of an error.
func failed(content *snapshotv1.VolumeSnapshotContent, message string, now time.Time) *snapshotv1.VolumeSnapshotContent {
	told := content.DeepCopy()
	if told.Status == nil {
		told.Status = &snapshotv1.VolumeSnapshotContentStatus{}
	}
	told.Status.ReadyToUse = new(false)
	told.Status.Error = &snapshotv1.VolumeSnapshotError{Time: &metav1.Time{Time: now}, Message: &message}
	return told
}
