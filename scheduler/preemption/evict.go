package preemption

import (
	"context"
	"sync"

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

// Evictor makes victims go, in goroutines of its own. It is safe for concurrent use.
type Evictor struct {
	handle fwk.Handle
	api    API
	plugin string

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mutex sync.Mutex
	busy  map[types.UID]*corev1.Pod // the last victim, once all others are evicted; nil before
}

// NewEvictor returns an Evictor for a plugin of that name. It has to be closed.
func NewEvictor(handle fwk.Handle, api API, plugin string) *Evictor {
	e := &Evictor{handle: handle, api: api, plugin: plugin, busy: map[types.UID]*corev1.Pod{}}
	e.life, e.end = context.WithCancel(context.Background())
	return e
}

// Close stops evicting and waits for what is under way.
func (e *Evictor) Close() {
	e.end()
	e.running.Wait()
}

// Evict starts to make the candidate's pods go, and returns. Those that wait for Permit or are in PreBind are called off;
// the others are given the condition DisruptionTarget and are deleted. Pods of a lower priority lose their nomination to
// the place.
func (e *Evictor) Evict(ctx context.Context, preemptor Preemptor, candidate *Candidate) {}

// Busy reports whether evictions for the preemptor with the UID are still under way. Until they are not, it should not be
// tried again: it would find no place, or preempt more than it needs.
func (e *Evictor) Busy(uid types.UID) bool { return false }
