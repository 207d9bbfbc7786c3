package preemption

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// API is what an Evictor needs of the API server. It is safe for concurrent use.
type API interface {
	// Pod returns a pod as the API server last showed it, or nil when it is gone. Do not change it.
	Pod(namespace, name string) *corev1.Pod
	// Counted returns a pod as the scheduler counts it on a node: it is decided on, or shown there. Nil means that it takes no
	// place, as far as the scheduler has heard, which can be later than Pod. Do not change it.
	Counted(uid types.UID) *corev1.Pod
	// Nominated returns the node that a pending pod is nominated to, or "". It is what was decided, which its status shows
	// only when that has been written and heard of.
	Nominated(pod *corev1.Pod) string
	// Evict sets the condition in the pod's status and then deletes the pod. It reports whether the pod was there to be
	// deleted; that it was not is no error, and neither is that another pod has its name now, which is left alone.
	Evict(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) (bool, error)
	// Report sets a condition (nil: none) and the nominated node (nil: leave it) in a pod's status.
	Report(ctx context.Context, pod *corev1.Pod, condition *corev1.PodCondition, nominating *fwk.NominatingInfo) error
}

// Preemptor is for whom others go.
type Preemptor struct {
	// UID is the pod's or the group's.
	UID types.UID
	// Kind is what messages and metrics call it.
	Kind fwk.EntityKeyType
	// Object is what the victims' events are related to. It has to be one that references can be made of.
	Object        runtime.Object
	SchedulerName string
	Priority      int32
	// Pods are tried again at once when a victim cannot be evicted, or was called off before it was bound.
	Pods []*corev1.Pod
}

// ForPod returns the preemptor that a single pod is.
func ForPod(pod *corev1.Pod) Preemptor {
	return Preemptor{
		UID: pod.UID, Kind: fwk.PodKeyType, Object: pod, SchedulerName: pod.Spec.SchedulerName,
		Priority: schedulinghelpers.PodPriority(pod), Pods: []*corev1.Pod{pod},
	}
}

func (p Preemptor) byName() map[string]*corev1.Pod {
	pods := make(map[string]*corev1.Pod, len(p.Pods))
	for _, pod := range p.Pods {
		pods[pod.Name] = pod
	}
	return pods
}
