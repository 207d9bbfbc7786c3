package defaultpreemption

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

var _ fwk.PodGroupPostFilterPlugin = &Plugin{}

// cluster is the place of a group, in logs and events.
const cluster = "cluster"

// PodGroupPostFilter looks for less important pods on any nodes that could make room for the group, and starts to evict
// them. Unlike for a pod there is one candidate, which is the cluster.
func (p *Plugin) PodGroupPostFilter(ctx context.Context, _ fwk.PodGroupCycleState, group fwk.PodGroupInfo, schedule fwk.PodGroupSchedulingFunc) (
	result *fwk.PodGroupPostFilterResult, status *fwk.Status,
) {
	defer func() { metrics.WorkloadPreemptionAttempts.WithLabelValues(status.Code().String()).Inc() }()
	snapshot := p.handle.MutableSnapshotSharedLister()
	if err := snapshot.StartMutations(); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("pod group preemption: failed to start mutations: %w", err))
	}
	result, status = p.preemptForGroup(ctx, group, schedule)
	if err := snapshot.EndMutations(); err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("pod group preemption: failed to end mutations: %w", err))
	}
	if message := status.Message(); message != "" {
		status = fwk.NewStatus(status.Code(), "pod group preemption: "+message)
	}
	return result, status
}

// preemptForGroup works on the snapshot, whose changes are going to be taken back.
func (p *Plugin) preemptForGroup(ctx context.Context, group fwk.PodGroupInfo, schedule fwk.PodGroupSchedulingFunc) (
	*fwk.PodGroupPostFilterResult, *fwk.Status,
) {
	pods := group.GetUnscheduledPods()
	priority := preemption.GroupPriority(group.GetPodGroup())
	if neverPreempts(pods) {
		return nil, fwk.NewStatus(fwk.Unschedulable, "not eligible due to preemptionPolicy=Never.")
	}
	if p.underWay(pods, priority) {
		return &fwk.PodGroupPostFilterResult{NominatingInfos: p.nominations(pods)}, fwk.NewStatus(fwk.Success, "ongoing preemption on nominated nodes")
	}
	snapshot := p.handle.MutableSnapshotSharedLister()
	nodes, err := snapshot.NodeInfos().List()
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("listing nodes for preemption: %w", err))
	}
	all, err := p.budgets.List(labels.Everything())
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("failed to get pod disruption budgets: %w", err))
	}
	victims := preemption.Victims(snapshot, nodes, priority, time.Now())
	if len(victims) == 0 {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "No preemption victims found for incoming preemptor")
	}
	trial := &groupTrial{handle: p.handle, snapshot: snapshot, schedule: schedule}
	selection, status := preemption.Select(ctx, trial, victims, preemption.NewBudgets(all))
	if !status.IsSuccess() {
		return nil, status
	}
	object := group.GetPodGroup()
	p.evictor.Evict(ctx, preemption.Preemptor{
		UID: object.UID, Kind: fwk.PodGroupKeyType, Object: object, SchedulerName: pods[0].Spec.SchedulerName, Priority: priority, Pods: pods,
	}, selection.Candidate(cluster))
	return &fwk.PodGroupPostFilterResult{NominatingInfos: trial.nominations()},
		fwk.NewStatus(fwk.Success, fmt.Sprintf("found a placement for podgroup, preempting %d victims", len(selection.Pods())))
}

// neverPreempts reports whether a pod leaves others in peace: then all of them do.
func neverPreempts(pods []*corev1.Pod) bool {
	return slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
		return pod.Spec.PreemptionPolicy != nil && *pod.Spec.PreemptionPolicy == corev1.PreemptNever
	})
}

// underWay reports whether a less important pod is being evicted from a node that a pod of the group is nominated to.
func (p *Plugin) underWay(pods []*corev1.Pod, priority int32) bool {
	snapshot := p.handle.SnapshotSharedLister()
	for _, pod := range pods {
		nominated := p.api.Nominated(pod)
		if nominated == "" {
			continue
		}
		node, err := snapshot.NodeInfos().Get(nominated)
		if err != nil {
			continue // It has gone, and the preemption with it.
		}
		for _, other := range node.GetPods() {
			if preemption.Terminating(other.GetPod()) && preemption.PodPriority(snapshot, other.GetPod()) < priority {
				return true
			}
		}
	}
	return false
}

// nominations leaves the pods nominated to where they are.
func (p *Plugin) nominations(pods []*corev1.Pod) map[types.NamespacedName]*fwk.NominatingInfo {
	infos := map[types.NamespacedName]*fwk.NominatingInfo{}
	for _, pod := range pods {
		infos[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] =
			&fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: p.api.Nominated(pod)}
	}
	return infos
}
