package provisioner

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// provision has the driver make a volume, and writes down what came of it. It is one step: what the volume is, the driver says.
type provision struct {
	driver  *driver.Driver
	claim   *ocorev1.PersistentVolumeClaim
	class   *ostoragev1.StorageClass
	request *csi.CreateVolumeRequest
	why     string
}

var _ plan.Step = (*provision)(nil)

func (*provision) Verb() string  { return "provision" }
func (s *provision) Why() string { return s.why }

func (s *provision) String() string {
	return fmt.Sprintf("provision volume %s of %s for PersistentVolumeClaim %s/%s",
		s.request.GetName(), s.claim.Spec.Resources.Requests.Storage(), s.claim.Namespace, s.claim.Name)
}

// Do can be repeated: the driver returns the volume that it has made before. What was deleted must not be made again, so the API server
// itself is asked whether it still is to be.
func (s *provision) Do(ctx context.Context, act plan.Actor) error {
	if err := s.confirm(ctx, act); err != nil {
		return err
	}
	made, err := s.driver.Create(ctx, s.request)
	if err == nil {
		err = s.check(made.GetVolume())
	}
	if err != nil {
		return s.failed(ctx, act, err)
	}
	created := s.volume(made.GetVolume())
	if err := plan.New().Create("it was provisioned", created).Do(ctx, act); err != nil {
		return err
	}
	act.Record(plan.Event{Regarding: s.claim, Reason: reasonSucceeded, Message: "Successfully provisioned volume " + created.Name})
	return nil
}

// confirm says that the claim is one for which the driver is asked.
func (s *provision) confirm(ctx context.Context, act plan.Actor) error {
	now := &ocorev1.PersistentVolumeClaim{}
	if err := act.Live().Get(ctx, client.ObjectKeyFromObject(s.claim), now); err != nil {
		return fmt.Errorf("confirming that PersistentVolumeClaim %s/%s is to have a volume: %w", s.claim.Namespace, s.claim.Name, err)
	}
	if now.UID != s.claim.UID || !isAskedFor(now) {
		return engine.Retry(fmt.Errorf("PersistentVolumeClaim %s/%s has changed", s.claim.Namespace, s.claim.Name))
	}
	return nil
}

// check is what is wrong with a volume that a driver has made.
func (s *provision) check(made *csi.Volume) error {
	wanted, has := s.request.GetCapacityRange().GetRequiredBytes(), made.GetCapacityBytes()
	switch {
	case has != 0 && has < wanted:
		return fmt.Errorf("created volume capacity %d less than requested capacity %d", has, wanted)
	case s.request.GetVolumeContentSource() != nil && made.GetContentSource() == nil:
		return errors.New("volume content source missing")
	default:
		return nil
	}
}

// failed tells of a volume that was not made, and lets the scheduler choose another node where it would help. A claim that is being deleted
// goes once the driver has refused: it is making nothing.
func (s *provision) failed(ctx context.Context, act plan.Actor, err error) error {
	act.Record(plan.Event{Regarding: s.claim, Type: plan.Warning, Reason: reasonFailed, Message: failure(s.class.Name, err)})
	elsewhere := s.helpsElsewhere(err)
	changed := s.claim.DeepCopy()
	why := "there is no space for it on the node"
	switch {
	case elsewhere:
		delete(changed.Annotations, volume.AnnSelectedNode)
		controllerutil.RemoveFinalizer(changed, BeingProvisioned)
	case s.claim.DeletionTimestamp != nil && driver.IsFinal(err):
		controllerutil.RemoveFinalizer(changed, BeingProvisioned)
		why = "it is being deleted, and its driver has refused"
	}
	err = fmt.Errorf("provisioning volume %s: %w", s.request.GetName(), err)
	if elsewhere {
		err = nil // that it is tried again is for the scheduler to see to
	}
	p := plan.New()
	p.Patch(why, s.claim, changed)
	for _, step := range p.Steps() {
		err = errors.Join(err, step.Do(ctx, act))
	}
	return err
}

// helpsElsewhere says that another node might have what this one lacks, and that somebody would choose one.
func (s *provision) helpsElsewhere(err error) bool {
	mode := s.class.VolumeBindingMode
	return status.Code(err) == codes.ResourceExhausted && s.request.GetAccessibilityRequirements() != nil &&
		mode != nil && *mode == storagev1.VolumeBindingWaitForFirstConsumer
}
