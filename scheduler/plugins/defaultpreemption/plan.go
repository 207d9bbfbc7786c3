package defaultpreemption

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

var errNoNodes = errors.New("no nodes available")

// Plan is what preemption would do for a pod, and what was found out on the way.
type Plan struct {
	// Choice is the node to nominate and the pods that go from it. Its Candidate is nil where nothing would be done.
	Choice preemption.Choice
	// Candidates are all nodes where preemption would help, as extenders left them.
	Candidates []*preemption.Candidate
	// Refused says why other nodes that were tried are no candidates. Nil means that none was tried.
	Refused *framework.NodeStatuses
	// Status is Success if something would be done. Otherwise it says why not: Unschedulable, or an Error.
	Status *fwk.Status
	// EndsNomination says that preemption helps on no node, so that an earlier nomination has no sense any more.
	EndsNomination bool
}

// PostFilter preempts, if that helps. Success comes with the node to nominate. Unschedulable comes with the end of an
// earlier nomination where preemption helps on no node, and with nothing where it is only not the time for it.
func (p *Plugin) PostFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	*fwk.PostFilterResult, *fwk.Status,
) {
	metrics.PreemptionAttempts.WithLabelValues().Inc()
	current := p.api.Pod(pod.Namespace, pod.Name)
	if current == nil || current.UID != pod.UID {
		return nil, fwk.AsStatus(fmt.Errorf("preemption: pod %s has gone", klog.KObj(pod)))
	}
	plan := p.Plan(ctx, state, current, statuses)
	if !plan.Status.IsSuccess() {
		status := fwk.NewStatus(plan.Status.Code(), "preemption: "+plan.Status.Message())
		if plan.EndsNomination {
			return nominate(""), status
		}
		return nil, status
	}
	node, victims := plan.Choice.Place, len(plan.Choice.Pods)
	klog.FromContext(ctx).V(2).Info("Pods have to go for a more important one", "node", node, "why", plan.Choice.String())
	p.evictor.Evict(ctx, preemption.ForPod(current), plan.Choice.Candidate)
	return nominate(node), fwk.NewStatus(fwk.Success,
		fmt.Sprintf("preemption: found a potential placement for pod on node %v, preempting %d victims", node, victims))
}

func nominate(node string) *fwk.PostFilterResult {
	return &fwk.PostFilterResult{NominatingInfo: &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node}}
}

// Plan decides what PostFilter would do for the pod, and does nothing.
func (p *Plugin) Plan(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) *Plan {
	start := time.Now()
	plan := &Plan{}
	plan.Status = p.plan(ctx, plan, state, pod, statuses, start)
	metrics.PreemptionEvaluationDuration.WithLabelValues(string(fwk.PodKeyType), plan.Status.Code().String()).
		Observe(time.Since(start).Seconds())
	return plan
}

func (p *Plugin) plan(ctx context.Context, plan *Plan, state fwk.CycleState, pod *corev1.Pod,
	statuses fwk.NodeToStatusReader, now time.Time,
) *fwk.Status {
	if why := p.ineligible(pod, statuses); why != "" {
		klog.FromContext(ctx).V(5).Info("Pod may not preempt others", "reason", why)
		return fwk.NewStatus(fwk.Unschedulable, why)
	}
	p.memory.mutex.Lock()
	defer p.memory.mutex.Unlock()
	try, err := p.observe(ctx, state, pod, statuses, now)
	if err != nil {
		return fwk.AsStatus(err)
	}
	plan.Candidates, plan.Refused, err = try.all()
	switch {
	case len(plan.Candidates) == 0 && err != nil:
		return fwk.AsStatus(err)
	case len(plan.Candidates) == 0:
		klog.FromContext(ctx).V(2).Info("Preemption helps on no node")
		plan.EndsNomination = true
		return fwk.NewStatus(fwk.Unschedulable, noneHelps(pod, len(try.nodes), plan.Refused))
	case err != nil:
		klog.FromContext(ctx).Error(err, "Preemption could not be tried out on some nodes; it goes on with the others")
	}
	if plan.Candidates, err = p.consult(ctx, pod, plan.Candidates); err != nil {
		return fwk.AsStatus(err)
	}
	if len(plan.Candidates) == 0 {
		return fwk.NewStatus(fwk.Unschedulable, "no candidate node for preemption")
	}
	plan.Choice = preemption.Choose(plan.Candidates, now)
	return nil
}

// ineligible says why a pod may not preempt others now, or "".
func (p *Plugin) ineligible(pod *corev1.Pod, statuses fwk.NodeToStatusReader) string {
	if policy := pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever {
		return "not eligible due to preemptionPolicy=Never."
	}
	nominated := p.api.Nominated(pod)
	if nominated == "" || statuses.Get(nominated).Code() == fwk.UnschedulableAndUnresolvable {
		return "" // On a node that cannot take it any more, nothing is worth waiting for.
	}
	snapshot := p.handle.SnapshotSharedLister()
	node, err := snapshot.NodeInfos().Get(nominated)
	if err != nil {
		return "" // The node has gone.
	}
	for _, other := range node.GetPods() {
		if preemption.Terminating(other.GetPod()) && preemption.PodPriority(snapshot, other.GetPod()) < priorityOf(pod) {
			return "not eligible due to a terminating pod on the nominated node."
		}
	}
	return ""
}

// noneHelps is kube-scheduler's text.
func noneHelps(pod *corev1.Pod, nodes int, refused *framework.NodeStatuses) string {
	refused.SetAbsent(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "Preemption is not helpful for scheduling"))
	fit := &framework.FitError{Pod: pod, NodeCount: nodes, Diagnosis: &framework.Diagnosis{Nodes: refused}}
	return fit.Error()
}
