package snapshotcontroller

import (
	"slices"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// mirror has the status of a snapshot say what that of its content says, and tells people when it gets that far.
func mirror(p *plan.Plan, s *snapshotv1.VolumeSnapshot, content *snapshotv1.VolumeSnapshotContent) {
	told := s.DeepCopy()
	told.Status = mirrored(s.Status, content)
	p.Status(s, told)
	if !isTaken(s) && isTaken(told) {
		p.Event(s, plan.Normal, reasonCreated, "Snapshot %s/%s was successfully created by the CSI driver.", s.Namespace, s.Name)
	}
	if !snapshotkinds.IsReady(s) && snapshotkinds.IsReady(told) {
		p.Event(s, plan.Normal, reasonReady, "Snapshot %s/%s is ready to use.", s.Namespace, s.Name)
	}
}

// mirrored is the status of a snapshot with a content. When it was taken, and how large it was then, does not change any more.
func mirrored(was *snapshotv1.VolumeSnapshotStatus, content *snapshotv1.VolumeSnapshotContent) *snapshotv1.VolumeSnapshotStatus {
	is, of := was.DeepCopy(), content.Status
	if is == nil {
		is = &snapshotv1.VolumeSnapshotStatus{}
	}
	if of == nil {
		of = &snapshotv1.VolumeSnapshotContentStatus{}
	}
	if is.BoundVolumeSnapshotContentName == nil {
		is.BoundVolumeSnapshotContentName = &content.Name
	}
	if is.CreationTime == nil && of.CreationTime != nil {
		is.CreationTime = &metav1.Time{Time: time.Unix(0, *of.CreationTime)}
	}
	is.ReadyToUse = new(of.ReadyToUse != nil && *of.ReadyToUse)
	if (is.RestoreSize == nil || is.RestoreSize.IsZero()) && of.RestoreSize != nil {
		is.RestoreSize = resource.NewQuantity(*of.RestoreSize, resource.BinarySI)
	}
	is.Error = of.Error.DeepCopy()
	return is
}

// tell has the status of a snapshot say what is wrong with it, once.
func tell(p *plan.Plan, s *snapshotv1.VolumeSnapshot, wrong *trouble, now time.Time) {
	if s.Status != nil && s.Status.Error != nil && s.Status.Error.Message != nil && *s.Status.Error.Message == wrong.message {
		p.Because(wrong.message)
		return
	}
	told := s.DeepCopy()
	if told.Status == nil {
		told.Status = &snapshotv1.VolumeSnapshotStatus{}
	}
	told.Status.Error = &snapshotv1.VolumeSnapshotError{Time: &metav1.Time{Time: now}, Message: &wrong.message}
	if wrong.unready {
		told.Status.ReadyToUse = new(false)
	}
	p.Status(s, told)
	p.Event(s, plan.Warning, wrong.reason, "%s", wrong.message)
}

// isTaken says that the driver has taken the snapshot.
func isTaken(s *snapshotv1.VolumeSnapshot) bool {
	return s.Status != nil && s.Status.CreationTime != nil
}

// isHeld says that a snapshot has a finalizer of ours.
func isHeld(s *snapshotv1.VolumeSnapshot) bool {
	return slices.Contains(s.Finalizers, snapshotkinds.SourceFinalizer) || slices.Contains(s.Finalizers, snapshotkinds.BoundFinalizer)
}
