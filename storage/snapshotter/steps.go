package snapshotter

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
)

// take has the driver take a snapshot, and writes down what came of it. It is one step: what the snapshot is, the driver says.
type take struct {
	driver *driver.Driver
	// content is the one that says already that the driver is asked.
	content *snapshotv1.VolumeSnapshotContent
	request *csi.CreateSnapshotRequest
}

var _ plan.Step = (*take)(nil)

func (*take) Verb() string { return "take" }

func (s *take) Why() string {
	return "class " + *s.content.Spec.VolumeSnapshotClassName + " is of " + s.driver.Name
}

func (s *take) String() string {
	return fmt.Sprintf("take %s of volume %s for VolumeSnapshotContent %s", s.request.GetName(), s.request.GetSourceVolumeId(), s.content.Name)
}

// Do can be repeated: the driver returns the snapshot that it has taken before. What was deleted must not be taken again, so the API
// server itself is asked whether it still is to be.
func (s *take) Do(ctx context.Context, act plan.Actor) error {
	now, err := current(ctx, act, s.content)
	if err != nil {
		return err
	}
	if !isBeingTaken(now) && !isTaken(now) || isTaken(now) != isTaken(s.content) {
		return engine.Retry(fmt.Errorf("VolumeSnapshotContent %s has changed", s.content.Name))
	}
	told, err := s.driver.Take(ctx, s.request)
	if err != nil {
		return s.failed(ctx, act, err)
	}
	return plan.New().Status(s.content, taken(s.content, told, act.Now())).Do(ctx, act)
}

// failed tells of a snapshot that was not taken. Where the driver has refused, it is not taking it.
func (s *take) failed(ctx context.Context, act plan.Actor, err error) error {
	message := fmt.Sprintf("Failed to create snapshot: failed to take snapshot of the volume %s: %q", s.request.GetSourceVolumeId(), err)
	var errs []error
	if !says(s.content, message) {
		errs = append(errs, plan.New().Status(s.content, failed(s.content, message, act.Now())).Do(ctx, act))
		act.Record(plan.Event{Regarding: s.content, Type: plan.Warning, Reason: reasonFailed, Message: message})
	}
	if driver.IsFinal(err) && isBeingTaken(s.content) {
		errs = append(errs, plan.New().Patch("the driver has refused", s.content, answered(s.content)).Do(ctx, act))
	}
	return errors.Join(append(errs, fmt.Errorf("taking a snapshot of volume %s: %w", s.request.GetSourceVolumeId(), err))...)
}

// drop has the driver delete a snapshot.
type drop struct {
	driver  *driver.Driver
	content *snapshotv1.VolumeSnapshotContent
}

var _ plan.Step = (*drop)(nil)

func (*drop) Verb() string { return "drop" }
func (*drop) Why() string {
	return "its VolumeSnapshot is deleted, and its deletion policy is Delete"
}

func (s *drop) String() string {
	return fmt.Sprintf("have %s delete the snapshot of VolumeSnapshotContent %s", s.driver.Name, s.content.Name)
}

// Do can be repeated: a snapshot that is not there was deleted before. What is deleted does not come back, so the API server itself is
// asked whether it still is to be.
func (s *drop) Do(ctx context.Context, act plan.Actor) error {
	now, err := current(ctx, act, s.content)
	if err != nil {
		return err
	}
	if !isUnwanted(now) || now.Spec.DeletionPolicy != snapshotv1.VolumeSnapshotContentDelete {
		return engine.Retry(fmt.Errorf("VolumeSnapshotContent %s has changed", s.content.Name))
	}
	if err := s.driver.Drop(ctx, *s.content.Status.SnapshotHandle); err != nil {
		act.Record(plan.Event{Regarding: s.content, Type: plan.Warning, Reason: reasonDeleteError, Message: "Failed to delete snapshot"})
		return fmt.Errorf("deleting the snapshot of VolumeSnapshotContent %s: %w", s.content.Name, err)
	}
	return nil
}

// current is a content as the API server has it now.
func current(ctx context.Context, act plan.Actor, content *snapshotv1.VolumeSnapshotContent) (*snapshotv1.VolumeSnapshotContent, error) {
	now := &snapshotv1.VolumeSnapshotContent{}
	if err := act.Live().Get(ctx, client.ObjectKeyFromObject(content), now); err != nil {
		return nil, fmt.Errorf("confirming what VolumeSnapshotContent %s is: %w", content.Name, err)
	}
	if now.UID != content.UID {
		return nil, engine.Retry(fmt.Errorf("VolumeSnapshotContent %s is another one by now", content.Name))
	}
	return now, nil
}
