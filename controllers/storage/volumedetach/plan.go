package volumedetach

import (
	"context"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// patience is how long a node that is not ready may keep a volume in use that nobody needs.
	patience = 6 * time.Minute
	// unseen is when to look again after a use that the cache does not show.
	unseen = 5 * time.Second
)

// Plan tells the node what it has, and then lets go what nobody needs.
func (Controller) Plan(key client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	var had []volume
	var released, forced []*ostoragev1.VolumeAttachment
	for _, v := range w.volumes {
		verdict := w.judge(v, now)
		if verdict.has {
			had = append(had, v)
		}
		switch detach := v.attachment != nil && v.attachment.DeletionTimestamp == nil; {
		case verdict.detach && detach && verdict.force:
			forced = append(forced, v.attachment)
		case verdict.detach && detach:
			released = append(released, v.attachment)
		case !verdict.again.IsZero():
			p.After(verdict.again.Sub(now), fmt.Sprintf("nobody has needed volume %s for %s then", v, patience))
		}
	}
	w.tell(p, had)
	plan.DeleteAll(p, "no pod on node "+key.Name+" needs the volume, and it is not in use", released).Confirm(w.unused(key, released))
	plan.DeleteAll(p, "no pod needs the volume, and node "+key.Name+" is given up", forced)
	return p
}

// verdict is what is to become of a volume on a node.
type verdict struct {
	// has is that the node is told to have it.
	has bool
	// detach is that it goes, and force that it goes whatever the node says.
	detach, force bool
	// again is when that may change by time alone; zero for never.
	again time.Time
}

// judge decides about a volume.
func (w world) judge(v volume, now time.Time) verdict {
	if len(v.users) > 0 {
		return verdict{has: attached(v.attachment)}
	}
	given, late := w.node != nil && outOfService(w.node), now.Sub(v.unneeded) >= patience
	ready := w.node != nil && nodestatus.Ready(w.node)
	switch {
	case given, late && !ready:
		return verdict{detach: true, force: true}
	case !v.inUse:
		return verdict{detach: true}
	case ready:
		return verdict{has: v.told}
	default:
		return verdict{has: v.told, again: v.unneeded.Add(patience)}
	}
}

// attached reports that a driver has attached a volume, and has not been asked to take it back.
func attached(attachment *ostoragev1.VolumeAttachment) bool {
	return attachment != nil && attachment.Status.Attached && attachment.DeletionTimestamp == nil
}

// unused asks whether the node has taken one of the volumes into use meanwhile, or is told to have it: by this loop before a restart, after
// which a cache may begin with what was before that.
func (w world) unused(key client.ObjectKey, released []*ostoragev1.VolumeAttachment) func(context.Context, client.Reader) error {
	return func(ctx context.Context, live client.Reader) error {
		node, err := nodeOf(ctx, live, key)
		if err != nil || node == nil {
			return err
		}
		for _, v := range w.volumes {
			switch {
			case !slices.Contains(released, v.attachment):
			case slices.Contains(node.Status.VolumesInUse, v.Name()):
				return plan.Wait(unseen, fmt.Errorf("node %s has volume %s in use, which the cache has not shown yet", key.Name, v))
			case isTold(node, v):
				return plan.Wait(unseen, fmt.Errorf("node %s is told to have volume %s, which the cache has not shown yet", key.Name, v))
			}
		}
		return nil
	}
}

// isTold says that a node is told to have a volume.
func isTold(node *ocorev1.Node, v volume) bool {
	return slices.ContainsFunc(node.Status.VolumesAttached, func(attached corev1.AttachedVolume) bool { return attached.Name == v.Name() })
}

// tell plans the status of the node, and tells the pods of volumes that are new there.
func (w world) tell(p *plan.Plan, had []volume) {
	if w.node == nil {
		return
	}
	told := w.node.DeepCopy()
	told.Status.VolumesAttached = volumesAttached(w.node.Status.VolumesAttached, had)
	p.Status(w.node, told)
	for _, v := range had {
		if v.told {
			continue
		}
		for _, pod := range v.users {
			sayAttached(p, pod, v)
		}
	}
}

// volumesAttached are the volumes that a node has: those that it had, as far as it has them still or they are not ours, and then the
// new ones.
func volumesAttached(before []corev1.AttachedVolume, had []volume) []corev1.AttachedVolume {
	var after []corev1.AttachedVolume
	for _, attached := range before {
		if keeps(attached, had) {
			after = append(after, attached)
		}
	}
	for _, v := range had {
		if !v.told {
			after = append(after, corev1.AttachedVolume{Name: v.Name()})
		}
	}
	return after
}

// keeps reports that an entry stays: its volume is there still, or is none of ours.
func keeps(attached corev1.AttachedVolume, had []volume) bool {
	_, ours := attachable.ParseName(attached.Name)
	return !ours || slices.ContainsFunc(had, func(v volume) bool { return v.Name() == attached.Name })
}
