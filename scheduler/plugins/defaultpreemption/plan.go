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

var endNomination = &fwk.PostFilterResult{NominatingInfo: &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}}

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
	choice, result, status := p.Plan(ctx, state, current, statuses)
	if !status.IsSuccess() {
		if status.Message() == "" {
			return result, status
		}
		return result, fwk.NewStatus(status.Code(), "preemption: "+status.Message())
	}
	klog.FromContext(ctx).V(2).Info("Pods have to go for a more important one", "node", choice.Place, "why", choice.String())
	p.evictor.Evict(ctx, preemption.ForPod(current), choice.Candidate)
	return &fwk.PostFilterResult{NominatingInfo: &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: choice.Place}},
		fwk.NewStatus(fwk.Success, fmt.Sprintf("preemption: found a potential placement for pod on node %v, preempting %d victims",
			choice.Place, len(choice.Pods)))
}

// Plan decides what PostFilter would do for the pod, and does nothing. Where the status is not Success, the result is
// PostFilter's.
func (p *Plugin) Plan(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	choice preemption.Choice, result *fwk.PostFilterResult, status *fwk.Status,
) {
	start := time.Now()
	defer func() {
		metrics.PreemptionEvaluationDuration.WithLabelValues(string(fwk.PodKeyType), status.Code().String()).
			Observe(time.Since(start).Seconds())
	}()
	if why := p.ineligible(pod, statuses); why != "" {
		klog.FromContext(ctx).V(5).Info("Pod may not preempt others", "reason", why)
		return choice, nil, fwk.NewStatus(fwk.Unschedulable, why)
	}
	try, err := p.observe(ctx, state, pod, statuses, start)
	if err != nil {
		return choice, nil, fwk.AsStatus(err)
	}
	candidates, refused, err := try.all()
	switch {
	case len(candidates) == 0 && err != nil:
		return choice, nil, fwk.AsStatus(err)
	case len(candidates) == 0:
		klog.FromContext(ctx).V(2).Info("Preemption helps on no node")
		return choice, endNomination, fwk.NewStatus(fwk.Unschedulable, noneHelps(pod, len(try.nodes), refused))
	case err != nil:
		klog.FromContext(ctx).Error(err, "Preemption could not be tried out on some nodes; it goes on with the others")
	}
	if candidates, err = p.consult(ctx, pod, candidates); err != nil {
		return choice, nil, fwk.AsStatus(err)
	}
	if len(candidates) == 0 {
		return choice, nil, fwk.NewStatus(fwk.Unschedulable, "no candidate node for preemption")
	}
	return preemption.Choose(candidates, start), nil, nil
}

// ineligible says why a pod may not preempt others now, or "".
func (p *Plugin) ineligible(pod *corev1.Pod, statuses fwk.NodeToStatusReader) string {
	if policy := pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever {
		return "not eligible due to preemptionPolicy=Never."
	}
	nominated := pod.Status.NominatedNodeName
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

var errNoNodes = errors.New("no nodes available")
