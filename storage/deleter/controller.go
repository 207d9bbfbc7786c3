package deleter

import (
	"context"
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// +kubebuilder:rbac:groups="",resources=persistentvolumes,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for PersistentVolumes.
type Controller struct{ *driver.Driver }

var _ loop.Controller[*ocorev1.PersistentVolume, struct{}] = Controller{}

// Loop is the controller with its watches.
func Loop(d *driver.Driver) loop.Loop {
	return loop.New("csi-volume-deleter", Controller{d}, loop.RecordsAs(d.Name))
}

// Observe reads nothing: the volume says it all.
func (Controller) Observe(context.Context, loop.View, *ocorev1.PersistentVolume) (struct{}, error) {
	return struct{}{}, nil
}

const reasonFailed = "VolumeFailedDelete"

// Plan has the volume deleted if it is to be.
func (c Controller) Plan(v *ocorev1.PersistentVolume, _ struct{}, _ time.Time) *plan.Plan {
	p := plan.New()
	if !c.isOurs(v) {
		return p
	}
	held := controllerutil.ContainsFinalizer(v, driver.Finalizer)
	switch policy := v.Spec.PersistentVolumeReclaimPolicy; {
	case policy != corev1.PersistentVolumeReclaimDelete:
		p.RemoveFinalizer(fmt.Sprintf("its reclaim policy is %s", policy), v, driver.Finalizer)
	case v.Status.Phase == corev1.VolumeBound:
		p.AddFinalizer("its driver has to delete it before it goes", v, driver.Finalizer)
	case v.Status.Phase != corev1.VolumeReleased, v.DeletionTimestamp != nil && !held:
	case v.DeletionTimestamp != nil:
		p.Do(&remove{c.Driver, v})
		p.RemoveFinalizer("its driver has deleted it", v, driver.Finalizer)
	default:
		p.Do(&remove{c.Driver, v})
		p.Delete("its driver has deleted it", v)
	}
	return p
}

// isOurs says that a volume is one of the driver, in its place.
func (c Controller) isOurs(v *ocorev1.PersistentVolume) bool {
	by, provisioned := v.Annotations[volume.AnnDynamicallyProvisioned]
	return v.Spec.CSI != nil && v.Spec.CSI.Driver == c.Name && (!provisioned || by == c.Name) && c.Place.Holds((*corev1.PersistentVolume)(v))
}

// remove has the driver delete a volume.
type remove struct {
	driver *driver.Driver
	volume *ocorev1.PersistentVolume
}

var _ plan.Step = (*remove)(nil)

func (*remove) Verb() string { return "remove" }
func (*remove) Why() string  { return "its claim is gone, and its reclaim policy is Delete" }

func (s *remove) String() string {
	return fmt.Sprintf("have %s delete the volume of PersistentVolume %s", s.driver.Name, s.volume.Name)
}

// Do can be repeated: a volume that is not there was deleted before. What is deleted does not come back, so the API server itself is
// asked whether it still is to be.
func (s *remove) Do(ctx context.Context, act plan.Actor) error {
	now := &ocorev1.PersistentVolume{}
	if err := act.Live().Get(ctx, client.ObjectKeyFromObject(s.volume), now); err != nil {
		return fmt.Errorf("confirming that PersistentVolume %s is to be deleted: %w", s.volume.Name, err)
	}
	if now.UID != s.volume.UID || now.Status.Phase != corev1.VolumeReleased || now.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return engine.Retry(fmt.Errorf("PersistentVolume %s has changed", s.volume.Name))
	}
	if err := s.driver.Delete(ctx, s.volume.Spec.CSI.VolumeHandle); err != nil {
		act.Record(plan.Event{Regarding: s.volume, Type: plan.Warning, Reason: reasonFailed, Message: err.Error()})
		return fmt.Errorf("deleting the volume of PersistentVolume %s: %w", s.volume.Name, err)
	}
	return nil
}
