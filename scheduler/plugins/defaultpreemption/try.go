package defaultpreemption

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// noVictims is kube-scheduler's text.
const noVictims = "No preemption victims found for incoming pod"

// try is all that is looked at to find candidates.
type try struct {
	handle   fwk.Handle
	ctx      context.Context
	state    fwk.CycleState
	pod      *corev1.Pod
	priority int32
	snapshot fwk.SharedLister
	// nodes are all, potential those where it may help that pods go, beginning anywhere.
	nodes, potential []fwk.NodeInfo
	budgets          *preemption.Budgets
	memory           *recollection
	enough           int
	now              time.Time
}

func (p *Plugin) observe(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader, now time.Time) (
	*try, error,
) {
	t := &try{
		handle: p.handle, ctx: ctx, state: state, pod: pod, priority: priorityOf(pod),
		snapshot: p.handle.SnapshotSharedLister(), now: now,
	}
	var err error
	if t.nodes, err = t.snapshot.NodeInfos().List(); err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	if len(t.nodes) == 0 {
		return nil, errNoNodes
	}
	potential, err := statuses.NodesForStatusCode(t.snapshot.NodeInfos(), fwk.Unschedulable)
	if err != nil {
		return nil, err
	}
	if len(potential) == 0 {
		return t, nil
	}
	t.potential = rotated(potential, rand.IntN(len(potential)))
	t.enough = p.enough(len(potential))
	budgets, err := p.readBudgets()
	if err != nil {
		return nil, err
	}
	t.budgets, t.memory = preemption.NewBudgets(budgets), p.recall(t, budgets)
	return t, nil
}

// enough returns how many candidates end the search among as many nodes.
func (p *Plugin) enough(nodes int) int {
	return min(nodes, max(nodes*p.leastPercentage/100, p.leastAbsolute))
}

// readBudgets returns all budgets in the order of their names, so that where a pod falls under several, the same ones
// give way each time.
func (p *Plugin) readBudgets() ([]*policyv1.PodDisruptionBudget, error) {
	budgets, err := p.budgets.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing PodDisruptionBudgets: %w", err)
	}
	slices.SortFunc(budgets, func(a, b *policyv1.PodDisruptionBudget) int { return cmp.Compare(a.Name, b.Name) })
	return budgets, nil
}

// outcome is what came out for one node. Both are nil where it was not looked at.
type outcome struct {
	candidate *preemption.Candidate
	status    *fwk.Status
}

// all tries the potential nodes until there are enough candidates. Those that violate no budget come first. refused says
// why the other nodes that were tried are none; err is that some could not be tried.
func (t *try) all() (candidates []*preemption.Candidate, refused *framework.NodeStatuses, err error) {
	outcomes := make([]remembered, len(t.potential))
	if len(outcomes) > 0 {
		t.sideBySide(outcomes)
		t.memory.keep(t.potential, outcomes)
	}
	refused = framework.NewNodeStatuses()
	var violating []*preemption.Candidate
	var errs []error
	for i, outcome := range outcomes {
		switch {
		case outcome.candidate != nil && outcome.candidate.Violations == 0:
			candidates = append(candidates, outcome.candidate)
		case outcome.candidate != nil:
			violating = append(violating, outcome.candidate)
		case outcome.status != nil:
			refused.Set(t.potential[i].Node().Name, outcome.status)
			if outcome.status.IsError() {
				errs = append(errs, outcome.status.AsError())
			}
		}
	}
	return append(candidates, violating...), refused, errors.Join(errs...)
}

func (t *try) sideBySide(outcomes []remembered) {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	var good, bad atomic.Int32
	t.handle.Parallelizer().Until(ctx, len(outcomes), func(i int) {
		outcomes[i] = t.memory.find(t.potential[i], func(node fwk.NodeInfo) outcome {
			candidate, status := t.one(ctx, node)
			return outcome{candidate, status}
		})
		switch candidate := outcomes[i].candidate; {
		case candidate == nil:
			return
		case candidate.Violations == 0:
			good.Add(1)
		default:
			bad.Add(1)
		}
		if good := int(good.Load()); good > 0 && good+int(bad.Load()) >= t.enough {
			cancel()
		}
	}, Name)
}

// one finds out what has to go from one node.
func (t *try) one(ctx context.Context, node fwk.NodeInfo) (*preemption.Candidate, *fwk.Status) {
	victims := preemption.Victims(t.snapshot, []fwk.NodeInfo{node}, t.priority, t.now)
	if len(victims) == 0 {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, noVictims)
	}
	place := &place{handle: t.handle, snapshot: t.snapshot, state: t.state.Clone(), pod: t.pod, node: node.Snapshot()}
	selection, status := preemption.Select(ctx, place, victims, t.budgets)
	if !status.IsSuccess() {
		return nil, status
	}
	name := node.Node().Name
	if len(selection.Victims) == 0 {
		return nil, fwk.AsStatus(fmt.Errorf("trying preemption on node %s: the pod fits although no other goes, and did not before", name))
	}
	return selection.Candidate(name), nil
}

func rotated(nodes []fwk.NodeInfo, first int) []fwk.NodeInfo {
	return slices.Concat(nodes[first:], nodes[:first])
}

func priorityOf(pod *corev1.Pod) int32 { return schedulinghelpers.PodPriority(pod) }
