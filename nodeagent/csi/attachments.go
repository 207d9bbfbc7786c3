package csi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
)

// lookEvery is how often it is asked whether a volume is attached while a pod waits for that.
const lookEvery = 300 * time.Millisecond

// Attachments waits for volumes to be attached to a node.
type Attachments struct {
	Client client.Client
	// Node is its name.
	Node string
	// Patience is how long a volume may take; two minutes if it is 0.
	Patience time.Duration
}

// Await says in the node's status that the volume is in use, and returns when it is attached, with what the driver says about that.
func (a Attachments) Await(ctx context.Context, volume Volume) (publishContext map[string]string, err error) {
	patience := a.Patience
	if patience == 0 {
		patience = Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		publishContext, err = a.look(ctx, volume)
		if !errors.Is(err, errNotYet) {
			return publishContext, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("timed out waiting for external-attacher of %s CSI driver to attach volume %s: %w", volume.Driver, volume.Handle, err)
		case <-time.After(lookEvery):
		}
	}
}

// errNotYet says that an answer may be another one soon.
var errNotYet = errors.New("not yet")

// look asks once. What the status of the node says is read after it says that the volume is in use: the other side looks in the other
// order.
func (a Attachments) look(ctx context.Context, volume Volume) (map[string]string, error) {
	node := &ocorev1.Node{}
	if err := a.Client.Get(ctx, client.ObjectKey{Name: a.Node}, node); err != nil {
		return nil, fmt.Errorf("reading node %s: %w", a.Node, err)
	}
	name := volume.UniqueName()
	if !slices.Contains(node.Status.VolumesInUse, name) {
		before := node.DeepCopy()
		node.Status.VolumesInUse = append(node.Status.VolumesInUse, name)
		err := a.Client.Status().Patch(ctx, node, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(err) {
			return nil, fmt.Errorf("saying that the volume is in use: %w", errNotYet)
		}
		if err != nil {
			return nil, fmt.Errorf("saying that volume %s is in use: %w", name, err)
		}
	}
	if !attached(node, name) {
		return nil, fmt.Errorf("volume not attached according to node status: %w", errNotYet)
	}
	attachment := &ostoragev1.VolumeAttachment{}
	key := client.ObjectKey{Name: volume.Attachment(a.Node)}
	if err := a.Client.Get(ctx, key, attachment); err != nil {
		return nil, fmt.Errorf("volume %s has GET error for volume attachment %s: %w", volume.Handle, key.Name, err)
	}
	return verdict(volume, (*storagev1.VolumeAttachment)(attachment))
}

// verdict is what an attachment says of its volume.
func verdict(volume Volume, attachment *storagev1.VolumeAttachment) (map[string]string, error) {
	switch failed := attachment.Status.AttachError; {
	case attachment.DeletionTimestamp != nil:
		return nil, errors.New("volume attachment is being deleted")
	case attachment.Status.Attached:
		return attachment.Status.AttachmentMetadata, nil
	case failed != nil:
		return nil, errors.New(failed.Message)
	default:
		return nil, fmt.Errorf("volume %s is not attached for volume attachment %s: %w", volume.Handle, attachment.Name, errNotYet)
	}
}
