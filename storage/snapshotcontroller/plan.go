package snapshotcontroller

import (
	"fmt"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// Plan binds the snapshot to a content, or lets it go.
func (c Controller) Plan(s *snapshotv1.VolumeSnapshot, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case !c.serves(w):
		p.Because("it is not a snapshot of " + c.Name + " at " + c.Place.ID())
	case s.DeletionTimestamp != nil:
		letGo(p, s, w)
	default:
		c.bind(p, s, w, now)
	}
	return p
}

// serves says that a snapshot is one of the driver at its place, or of nobody of whom it could be told.
func (c Controller) serves(w world) bool {
	switch {
	case w.content != nil:
		at := w.content.Labels[snapshotkinds.ManagedBy]
		return w.content.Spec.Driver == c.Name && (at == "" || at == c.Place.ID())
	case w.volume != nil && c.holds(w):
		return true
	case w.class != nil:
		return w.class.Driver == c.Name && w.volume == nil
	default:
		return w.volume == nil
	}
}

// holds says that the volume of the claim is one of the driver, at its place.
func (c Controller) holds(w world) bool {
	return w.volume.Spec.CSI != nil && w.volume.Spec.CSI.Driver == c.Name && c.Place.Holds((*corev1.PersistentVolume)(w.volume))
}

// bind brings a snapshot to the content that it is to have.
func (c Controller) bind(p *plan.Plan, s *snapshotv1.VolumeSnapshot, w world, now time.Time) {
	if wrong := wrong(s, w); wrong != nil {
		tell(p, s, wrong, now)
		return
	}
	prepare(p, s, w)
	if w.content != nil {
		point(p, s, w.content)
	}
	switch {
	case claimName(s) == "":
	case snapshotkinds.IsReady(s):
		release(p, w)
	case w.claim != nil:
		p.AddFinalizer("snapshot "+s.Name+" is being taken of it", w.claim, snapshotkinds.ClaimFinalizer)
	}
	switch {
	case w.content != nil && snapshotkinds.PointsBack(w.content, s):
		mirror(p, s, w.content)
	case w.content == nil && w.class != nil:
		c.create(p, s, w)
	}
}

// prepare has a snapshot name its class, and keeps it from going away too early.
func prepare(p *plan.Plan, s *snapshotv1.VolumeSnapshot, w world) {
	prepared := s.DeepCopy()
	if s.Spec.VolumeSnapshotClassName == nil && claimName(s) != "" && w.content == nil {
		prepared.Spec.VolumeSnapshotClassName = &w.defaults[0]
	}
	controllerutil.AddFinalizer(prepared, snapshotkinds.SourceFinalizer)
	if w.content != nil && isBound(s) && w.content.Spec.DeletionPolicy == snapshotv1.VolumeSnapshotContentDelete {
		controllerutil.AddFinalizer(prepared, snapshotkinds.BoundFinalizer)
	}
	p.Patch("it is to have a class, and to stay while it has a content that goes with it, or claims are made of it", s, prepared)
}

// point has a content that people made name the snapshot by its UID, and its class. One that was made here does.
func point(p *plan.Plan, s *snapshotv1.VolumeSnapshot, content *snapshotv1.VolumeSnapshotContent) {
	if content.Spec.VolumeSnapshotRef.UID != "" {
		return
	}
	pointed := content.DeepCopy()
	pointed.Spec.VolumeSnapshotRef.UID = s.UID
	if s.Spec.VolumeSnapshotClassName != nil {
		pointed.Spec.VolumeSnapshotClassName = s.Spec.VolumeSnapshotClassName
	}
	p.Patch("snapshot "+s.Namespace+"/"+s.Name+" and the content name each other", content, pointed)
}

// create makes the content by which the driver is asked for a snapshot.
func (c Controller) create(p *plan.Plan, s *snapshotv1.VolumeSnapshot, w world) {
	class := w.class
	content := &snapshotv1.VolumeSnapshotContent{
		ObjectMeta: metav1.ObjectMeta{
			Name: snapshotkinds.ContentName(s), Finalizers: []string{snapshotkinds.ContentFinalizer},
			Labels: map[string]string{snapshotkinds.ManagedBy: c.Place.ID()},
		},
		Spec: snapshotv1.VolumeSnapshotContentSpec{
			VolumeSnapshotRef: corev1.ObjectReference{
				APIVersion: snapshotv1.SchemeGroupVersion.String(), Kind: "VolumeSnapshot", Namespace: s.Namespace, Name: s.Name, UID: s.UID,
				ResourceVersion: s.ResourceVersion,
			},
			Source:                  snapshotv1.VolumeSnapshotContentSource{VolumeHandle: &w.volume.Spec.CSI.VolumeHandle},
			VolumeSnapshotClassName: &class.Name, DeletionPolicy: class.DeletionPolicy, Driver: class.Driver,
			SourceVolumeMode: w.volume.Spec.VolumeMode,
		},
	}
	p.Create("a snapshot of claim "+w.claim.Name+" is asked for", content).
		Succeeded(func(client.Object) plan.Event { return creating(s) }).
		Failed(func(_ client.Object, err error) plan.Event { return notCreated(s, err) })
}

// letGo lets a snapshot go that is being deleted, after its content if that is to go.
func letGo(p *plan.Plan, s *snapshotv1.VolumeSnapshot, w world) {
	if !isHeld(s) {
		p.Because("it is being deleted, and held by others")
		return
	}
	content := w.content
	if content != nil && !snapshotkinds.PointsBack(content, s) {
		content = nil
	}
	if content != nil && w.restored != "" {
		p.EventOnce(s, plan.Warning, reasonDeletePending, "Snapshot is being used to restore a PVC")
		p.Because("claim " + w.restored + " is being made of it")
		return
	}
	goes := content != nil && content.Spec.DeletionPolicy == snapshotv1.VolumeSnapshotContentDelete
	if content != nil {
		marked := content.DeepCopy()
		metav1.SetMetaDataAnnotation(&marked.ObjectMeta, snapshotkinds.BeingDeleted, "yes")
		p.Patch("its snapshot is being deleted", content, marked)
	}
	if goes && content.DeletionTimestamp == nil {
		p.Delete("its snapshot is being deleted, and its deletion policy is Delete", content)
	}
	release(p, w)
	if goes {
		p.RemoveFinalizer("no claim is being made of it", s, snapshotkinds.SourceFinalizer)
		return
	}
	why := "it has no content"
	if content != nil {
		why = fmt.Sprintf("the deletion policy of its content is %s", content.Spec.DeletionPolicy)
	}
	unheld := s.DeepCopy()
	controllerutil.RemoveFinalizer(unheld, snapshotkinds.SourceFinalizer)
	controllerutil.RemoveFinalizer(unheld, snapshotkinds.BoundFinalizer)
	p.Patch(why, s, unheld)
}

// release lets the claim go of which no snapshot is being taken any more.
func release(p *plan.Plan, w world) {
	if w.claim != nil && !w.others {
		p.RemoveFinalizer("no snapshot is being taken of it any more", w.claim, snapshotkinds.ClaimFinalizer)
	}
}
