package volumedetach

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/onnode"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is a node and the volumes that have to do with it.
type world struct {
	// node is nil if there is none of that name.
	node *ocorev1.Node
	// volumes are those that are attached to it, are on their way, or that it is told to have; by their names.
	volumes []volume
}

// volume is one volume on the node.
type volume struct {
	attachable.ID
	// called is what people call it; empty if nobody needs it.
	called string
	// attachment is nil if there is none.
	attachment *ostoragev1.VolumeAttachment
	// users are the pods that need it there.
	users []*ocorev1.Pod
	// told is that the node is told to have it.
	told bool
	// inUse is that the node says so, or cannot say so any more.
	inUse bool
	// unneeded is since when nobody has needed it there; zero if somebody does.
	unneeded time.Time
}

// Observe reads the node, its attachments, and its pods.
func (Controller) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (world, error) {
	node, err := nodeOf(ctx, view, key)
	if err != nil {
		return world{}, err
	}
	if node != nil && !attachable.Managed(node) {
		return world{}, engine.ErrGone // to us: it looks after itself
	}
	found := volumes{}
	if node != nil {
		found.told(node)
	}
	if err := found.attached(ctx, view, key.Name); err != nil {
		return world{}, err
	}
	if err := found.used(ctx, view, key.Name); err != nil {
		return world{}, err
	}
	if node == nil && len(found) == 0 {
		return world{}, engine.ErrGone
	}
	w := world{node: node}
	for _, v := range found {
		v.inUse = node == nil || slices.Contains(node.Status.VolumesInUse, v.Name())
		if len(v.users) == 0 {
			v.unneeded = view.Since("volume "+v.String(), "unneeded")
		}
		w.volumes = append(w.volumes, *v)
	}
	slices.SortFunc(w.volumes, func(a, b volume) int { return cmp.Compare(a.String(), b.String()) })
	return w, nil
}

// nodeOf is the node of a key; nil if there is none.
func nodeOf(ctx context.Context, read client.Reader, key client.ObjectKey) (*ocorev1.Node, error) {
	node := &ocorev1.Node{}
	err := read.Get(ctx, key, node)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading node %s: %w", key.Name, err)
	default:
		return node, nil
	}
}

// volumes are those of a node.
type volumes map[attachable.ID]*volume

func (vs volumes) of(id attachable.ID) *volume {
	if vs[id] == nil {
		vs[id] = &volume{ID: id}
	}
	return vs[id]
}

// told finds the volumes that a node is told to have.
func (vs volumes) told(node *ocorev1.Node) {
	for _, attached := range node.Status.VolumesAttached {
		if id, csi := attachable.ParseName(attached.Name); csi {
			vs.of(id).told = true
		}
	}
}

// attached finds the volumes that have attachments. One whose PersistentVolume is gone is known by what the node is told to have.
func (vs volumes) attached(ctx context.Context, read client.Reader, node string) error {
	attachments, err := attachable.OnNode(ctx, read, node)
	if err != nil {
		return err
	}
	for i := range attachments {
		volume, found, err := attachable.OfAttachment(ctx, read, &attachments[i])
		if err != nil {
			return err
		}
		switch told := vs.named(attachments[i].Name, node); {
		case found:
			vs.of(volume.ID).attachment = &attachments[i]
		case told != nil:
			told.attachment = &attachments[i]
		}
	}
	return nil
}

// named is the volume whose attachment to a node has a name; nil if none has.
func (vs volumes) named(attachment, node string) *volume {
	for id, v := range vs {
		if id.Attachment(node) == attachment {
			return v
		}
	}
	return nil
}

// used finds the pods that need the volumes which have been found.
func (vs volumes) used(ctx context.Context, read client.Reader, node string) error {
	if len(vs) == 0 {
		return nil
	}
	pods, err := onnode.Pods(ctx, read, node)
	if err != nil {
		return err
	}
	for i := range pods {
		pod := &pods[i]
		if !attachable.Holds(pod) {
			continue
		}
		needed, err := attachable.Of(ctx, read, pod)
		if err != nil {
			return err
		}
		for _, need := range needed {
			if v := vs[need.ID]; v != nil {
				v.called = need.Called
				v.users = append(v.users, pod)
			}
		}
	}
	return nil
}

// outOfService reports that somebody has said of a node that it will not come back.
func outOfService(node *ocorev1.Node) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeOutOfService })
}
