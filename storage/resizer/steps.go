package resizer

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// expand has the driver make a volume larger, and writes down what came of it. It is one step: what is left to do, the driver says.
type expand struct {
	driver *driver.Driver
	claim  *ocorev1.PersistentVolumeClaim
	volume *ocorev1.PersistentVolume
	size   resource.Quantity
	why    string
}

var _ plan.Step = (*expand)(nil)

func (*expand) Verb() string  { return "expand" }
func (s *expand) Why() string { return s.why }

func (s *expand) String() string {
	return fmt.Sprintf("have %s make the volume of PersistentVolume %s larger, to %s", s.driver.Name, s.volume.Name, s.size.String())
}

// Do can be repeated: a volume that has the size is left alone.
func (s *expand) Do(ctx context.Context, act plan.Actor) error {
	grown, err := s.driver.Expand(ctx, &csi.ControllerExpandVolumeRequest{
		VolumeId: s.volume.Spec.CSI.VolumeHandle, CapacityRange: &csi.CapacityRange{RequiredBytes: s.size.Value()},
	})
	if err != nil {
		return s.failed(ctx, act, err)
	}
	size := *resource.NewQuantity(max(grown.GetCapacityBytes(), s.size.Value()), resource.BinarySI)
	if s.volume.Spec.Capacity.Storage().Cmp(size) < 0 {
		larger := s.volume.DeepCopy()
		larger.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: size}
		if err := plan.New().Patch("its driver made it larger", s.volume, larger).Do(ctx, act); err != nil {
			return err
		}
	}
	asked := inProgress(s.claim, s.size, act.Now()) // as the step before has left it
	if grown.GetNodeExpansionRequired() {
		if err := plan.New().Status(asked, pendingOnNode(asked, act.Now())).Do(ctx, act); err != nil {
			return err
		}
		act.Record(plan.Event{Regarding: s.claim, Reason: reasonFileSystem, Message: "Require file system resize of volume on node"})
		return nil
	}
	if err := plan.New().Status(asked, finished(asked, size)).Do(ctx, act); err != nil {
		return err
	}
	act.Record(plan.Event{Regarding: s.claim, Reason: reasonSucceeded, Message: "Resize volume succeeded"})
	return nil
}

// failed tells of a volume that was not made larger. One that never will be is not what is allocated any more.
func (s *expand) failed(ctx context.Context, act plan.Actor, err error) error {
	failure := fmt.Errorf("resize volume %q by resizer %q failed: %w", s.volume.Name, s.driver.Name, err)
	act.Record(plan.Event{Regarding: s.claim, Type: plan.Warning, Reason: reasonFailed, Message: failure.Error()})
	if isInfeasible(err) {
		asked := inProgress(s.claim, s.size, act.Now())
		failure = errors.Join(failure, plan.New().Status(asked, refused(asked, failure.Error(), act.Now())).Do(ctx, act))
	}
	return failure
}

// isInfeasible says that an error will be the same next time, unless somebody does something: what external-resizer takes for that, and
// a lack of space, so that a smaller size can be asked for.
func isInfeasible(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.OutOfRange, codes.NotFound, codes.ResourceExhausted:
		return true
	default:
		return false
	}
}
