package defaultpreemption

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// groupTrial tries out a group on the cluster without its victims. The places that the group finds when all of them are
// away are those that it has to keep when some are put back.
type groupTrial struct {
	handle   fwk.Handle
	snapshot fwk.MutableSnapshotSharedLister
	schedule fwk.PodGroupSchedulingFunc
	members  []groupMember
}

// groupMember is a pod of the group in its place.
type groupMember struct {
	fwk.ProposedAssignment
	// state is a copy, because pods of one class share what is in theirs.
	state fwk.CycleState
}

var _ preemption.Trial = &groupTrial{}

// Clear takes the victims away and schedules the group.
func (t *groupTrial) Clear(ctx context.Context, victims []*preemption.Victim) *fwk.Status {
	for _, victim := range victims {
		for _, pod := range victim.Pods {
			if err := t.snapshot.RemovePod(klog.FromContext(ctx), pod.GetPod(), pod.GetPod().Spec.NodeName); err != nil {
				return fwk.AsStatus(err)
			}
		}
	}
	assignments, status := t.schedule(ctx)
	if !status.IsSuccess() {
		return status
	}
	for _, assignment := range assignments.ProposedAssignments {
		if assignment.GetNodeName() != "" {
			t.members = append(t.members, groupMember{assignment, assignment.GetCycleState().Clone()})
		}
	}
	return nil
}

// Reprieve puts a victim back and puts the members, in the order in which they were scheduled, into their places.
func (t *groupTrial) Reprieve(ctx context.Context, victim *preemption.Victim) (fits bool, err error) {
	if err := t.change(ctx, victim, t.putBack); err != nil {
		return false, err
	}
	fits, err = t.fits(ctx)
	if fits || err != nil {
		return fits, err
	}
	return false, t.change(ctx, victim, t.takeAway)
}

// fits reports whether each member still fits where it is to go, with those before it in their places.
func (t *groupTrial) fits(ctx context.Context) (fits bool, err error) {
	var placed []groupMember
	defer func() {
		for _, member := range slices.Backward(placed) {
			t.handle.RunReservePluginsUnreserve(ctx, member.state, member.GetPod(), member.GetNodeName())
			err = errors.Join(err, t.snapshot.RemovePod(klog.FromContext(ctx), member.GetPod(), member.GetNodeName()))
		}
	}()
	for _, member := range t.members {
		node, err := t.snapshot.NodeInfos().Get(member.GetNodeName())
		if err != nil {
			return false, err
		}
		if status := t.handle.RunFilterPluginsWithNominatedPods(ctx, member.state, member.GetPod(), node); !status.IsSuccess() {
			return false, nil
		}
		if err := t.snapshot.AddPod(member.GetPodInfo(), member.GetNodeName()); err != nil {
			return false, err
		}
		// That plugins keep something for the members matters to those that come after; a refusal is for the real attempt.
		_ = t.handle.RunReservePluginsReserve(ctx, member.state, member.GetPod(), member.GetNodeName())
		placed = append(placed, member)
	}
	return true, nil
}

// change makes the same change for each pod of a victim to the snapshot and to what plugins know for each member.
func (t *groupTrial) change(ctx context.Context, victim *preemption.Victim,
	one func(context.Context, fwk.PodInfo, fwk.NodeInfo) error,
) error {
	for _, pod := range victim.Pods {
		node, err := t.snapshot.NodeInfos().Get(pod.GetPod().Spec.NodeName)
		if err != nil {
			return err
		}
		if err := one(ctx, pod, node); err != nil {
			return fmt.Errorf("trying what would be without pod %s: %w", klog.KObj(pod.GetPod()), err)
		}
	}
	return nil
}

func (t *groupTrial) putBack(ctx context.Context, pod fwk.PodInfo, node fwk.NodeInfo) error {
	if err := t.snapshot.AddPod(pod, pod.GetPod().Spec.NodeName); err != nil {
		return err
	}
	for _, member := range t.members {
		if status := t.handle.RunPreFilterExtensionAddPod(ctx, member.state, member.GetPod(), pod, node); !status.IsSuccess() {
			return status.AsError()
		}
	}
	return nil
}

func (t *groupTrial) takeAway(ctx context.Context, pod fwk.PodInfo, node fwk.NodeInfo) error {
	if err := t.snapshot.RemovePod(klog.FromContext(ctx), pod.GetPod(), pod.GetPod().Spec.NodeName); err != nil {
		return err
	}
	for _, member := range t.members {
		if status := t.handle.RunPreFilterExtensionRemovePod(ctx, member.state, member.GetPod(), pod, node); !status.IsSuccess() {
			return status.AsError()
		}
	}
	return nil
}

func (t *groupTrial) nominations() map[types.NamespacedName]*fwk.NominatingInfo {
	infos := map[types.NamespacedName]*fwk.NominatingInfo{}
	for _, member := range t.members {
		pod := member.GetPod()
		infos[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] =
			&fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: member.GetNodeName()}
	}
	return infos
}
