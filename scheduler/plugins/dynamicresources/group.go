package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// group is what the pods of one PodGroup know of each other while the group is being scheduled. Pods of a group are all
// reserved before the first is bound, so the second must be able to use a claim whose allocation is not written yet. A
// nil group is that of a pod on its own.
type group struct {
	mutex sync.Mutex // Pods of a group are bound side by side.
	// pending are the claims that pods of this group have reserved.
	pending sets.Set[types.UID]
	states  map[types.UID]*stateData // by pod
}

// Clone returns the same: there is one for the whole group.
func (g *group) Clone() fwk.StateData { return g }

// groupOf returns the state of the pod's group, which the first pod starts. Nil means that no group is being scheduled.
func groupOf(state fwk.CycleState) (*group, error) {
	shared := state.GetPodGroupSchedulingCycle()
	if shared == nil {
		return nil, nil
	}
	value, err := shared.Read(stateKey)
	if errors.Is(err, fwk.ErrNotFound) {
		started := &group{pending: sets.New[types.UID](), states: map[types.UID]*stateData{}}
		shared.Write(stateKey, started)
		return started, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state of the pod's group: %w", err)
	}
	return value.(*group), nil
}

// locked does something with the group, if there is one.
func (g *group) locked(do func()) {
	if g == nil {
		return
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	do()
}

func (g *group) shares(claim types.UID) (shares bool) {
	g.locked(func() { shares = g.pending.Has(claim) })
	return shares
}

func (g *group) remember(pod *corev1.Pod, w *stateData) { g.locked(func() { g.states[pod.UID] = w }) }
func (g *group) reserved(claim types.UID)               { g.locked(func() { g.pending.Insert(claim) }) }
func (g *group) released(claim types.UID)               { g.locked(func() { g.pending.Delete(claim) }) }

func (g *group) stateOf(pod *corev1.Pod) (w *stateData) {
	g.locked(func() { w = g.states[pod.UID] })
	return w
}

// PodGroupPostFilter does for each pod of a group that fits nowhere what PostFilter does for a pod on its own.
func (p *Plugin) PodGroupPostFilter(ctx context.Context, state fwk.PodGroupCycleState, info fwk.PodGroupInfo, _ fwk.PodGroupSchedulingFunc) (
	*fwk.PodGroupPostFilterResult, *fwk.Status,
) {
	if info.GetType() == fwk.CompositePodGroupKeyType ||
		info.GetPodGroup() != nil && info.GetPodGroup().Spec.SchedulingConstraints != nil {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	value, err := state.Read(stateKey)
	if errors.Is(err, fwk.ErrNotFound) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("reading the state of the group: %w", err))
	}
	for _, pod := range info.GetUnscheduledPods() {
		w := value.(*group).stateOf(pod)
		if w == nil {
			continue
		}
		if status := p.giveBack(ctx, w, pod); status.IsError() {
			return nil, status
		}
	}
	return nil, fwk.NewStatus(fwk.Unschedulable, "deallocation and deletion of ResourceClaims completed")
}
