package defaultpreemption

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// What the plugin reads and writes: budgets, and the pods that have to go.
//
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch

// Name is the plugin's name in configurations.
const Name = "DefaultPreemption"

// Plugin holds the arguments and what is under way.
type Plugin struct {
	handle  fwk.Handle
	api     preemption.API
	budgets policylisters.PodDisruptionBudgetLister
	evictor *preemption.Evictor
	memory  memory
	// leastPercentage and leastAbsolute say how many candidates are enough.
	leastPercentage, leastAbsolute int
}

var (
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.PreEnqueuePlugin  = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
)

// Factory returns a factory of the plugin, which evicts through the API that is given. Its arguments are
// DefaultPreemptionArgs with defaults set.
func Factory(api preemption.API) framework.Factory {
	return func(_ context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		typed, ok := args.(*configv1.DefaultPreemptionArgs)
		if !ok {
			return nil, fmt.Errorf("reading arguments: expected DefaultPreemptionArgs, got %T", args)
		}
		if typed.MinCandidateNodesPercentage == nil || typed.MinCandidateNodesAbsolute == nil {
			return nil, fmt.Errorf("reading arguments: minCandidateNodesPercentage and minCandidateNodesAbsolute are required")
		}
		return &Plugin{
			handle:          handle,
			api:             api,
			budgets:         handle.SharedInformerFactory().Policy().V1().PodDisruptionBudgets().Lister(),
			evictor:         preemption.NewEvictor(handle, api, Name),
			leastPercentage: int(*typed.MinCandidateNodesPercentage),
			leastAbsolute:   int(*typed.MinCandidateNodesAbsolute),
		}, nil
	}
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// Close ends the evictions that are under way.
func (p *Plugin) Close() error { return p.evictor.Close() }

// PreEnqueue holds a pod back while the evictions for it, or for its group, are under way.
func (p *Plugin) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	if group := pod.Spec.SchedulingGroup; group != nil && group.PodGroupName != nil {
		known, err := p.handle.PodGroupManager().PodGroups().Get(pod.Namespace, *group.PodGroupName)
		if err == nil && p.evictor.Busy(known.UID) {
			return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "waiting for the preemption for this pod group to be finished")
		}
	}
	if p.evictor.Busy(pod.UID) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "waiting for the preemption for this pod to be finished")
	}
	return nil
}

// EventsToRegister asks for deleted pods, after which PreEnqueue is asked again.
func (*Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{
		Event:          fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete},
		QueueingHintFn: afterPodDeleted,
	}}, nil
}

// afterPodDeleted always says no: the pod was refused by other plugins before it preempted, and whether the deletion has
// made it schedulable is theirs to say.
func afterPodDeleted(klog.Logger, *corev1.Pod, any, any) (fwk.QueueingHint, error) {
	return fwk.QueueSkip, nil
}
