package podgroups

import (
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// state is one group. Each of its pods is in exactly one of unscheduled, assumed and assigned.
type state struct {
	generation  int64
	object      *schedulingv1beta1.PodGroup // nil where it has not been seen
	unscheduled map[types.UID]*corev1.Pod
	assumed     map[types.UID]*corev1.Pod
	assigned    map[types.UID]*corev1.Pod
}

var _ fwk.PodGroupState = &state{}

func newState() *state {
	return &state{
		unscheduled: map[types.UID]*corev1.Pod{},
		assumed:     map[types.UID]*corev1.Pod{},
		assigned:    map[types.UID]*corev1.Pod{},
	}
}

func (s *state) clone() *state {
	copied := *s
	copied.unscheduled, copied.assumed, copied.assigned = maps.Clone(s.unscheduled), maps.Clone(s.assumed), maps.Clone(s.assigned)
	return &copied
}

func (s *state) empty() bool { return s.object == nil && s.AllPodsCount() == 0 }

// set takes in a pod as the API server shows it. One that is assumed stays so until it is assigned.
func (s *state) set(pod *corev1.Pod) {
	switch {
	case pod.Spec.NodeName != "":
		s.remove(pod.UID)
		s.assigned[pod.UID] = pod
	case s.assumed[pod.UID] == nil:
		s.unscheduled[pod.UID] = pod
	}
}

// assume moves an unscheduled pod. One that is not there is ignored: it has been deleted meanwhile.
func (s *state) assume(pod *corev1.Pod) {
	if _, found := s.unscheduled[pod.UID]; found {
		delete(s.unscheduled, pod.UID)
		s.assumed[pod.UID] = pod
	}
}

// forget moves an assumed pod back.
func (s *state) forget(pod *corev1.Pod) {
	if _, found := s.assumed[pod.UID]; found {
		delete(s.assumed, pod.UID)
		pending := *pod // Nothing below its spec is changed.
		pending.Spec.NodeName = ""
		s.unscheduled[pod.UID] = &pending
	}
}

func (s *state) remove(uid types.UID) {
	delete(s.unscheduled, uid)
	delete(s.assumed, uid)
	delete(s.assigned, uid)
}

// AllPods returns the UIDs of all pods.
func (s *state) AllPods() sets.Set[types.UID] {
	return sets.KeySet(s.unscheduled).Union(sets.KeySet(s.assumed)).Union(sets.KeySet(s.assigned))
}

// AllPodsCount returns the number of all pods.
func (s *state) AllPodsCount() int { return len(s.unscheduled) + s.ScheduledPodsCount() }

// UnscheduledPods returns the pods without a node, by name.
func (s *state) UnscheduledPods() map[string]*corev1.Pod {
	pods := make(map[string]*corev1.Pod, len(s.unscheduled))
	for _, pod := range s.unscheduled {
		pods[pod.Name] = pod
	}
	return pods
}

// AssumedPods returns the UIDs of the pods that have a node which the API server does not show yet.
func (s *state) AssumedPods() sets.Set[types.UID] { return sets.KeySet(s.assumed) }

// AssignedPods returns the UIDs of the pods that the API server shows on a node.
func (s *state) AssignedPods() sets.Set[types.UID] { return sets.KeySet(s.assigned) }

// ScheduledPods returns the assigned and the assumed pods.
func (s *state) ScheduledPods() []*corev1.Pod {
	pods := make([]*corev1.Pod, 0, s.ScheduledPodsCount())
	for _, some := range []map[types.UID]*corev1.Pod{s.assigned, s.assumed} {
		for _, pod := range some {
			pods = append(pods, pod)
		}
	}
	return pods
}

// ScheduledPodsCount returns the number of assigned and assumed pods.
func (s *state) ScheduledPodsCount() int { return len(s.assigned) + len(s.assumed) }

// guarded is a state that changes while it is read.
type guarded struct {
	mutex *sync.RWMutex
	state *state
}

var _ fwk.PodGroupState = guarded{}

func (g guarded) AllPods() sets.Set[types.UID]      { return read(g, (*state).AllPods) }
func (g guarded) AllPodsCount() int                 { return read(g, (*state).AllPodsCount) }
func (g guarded) AssumedPods() sets.Set[types.UID]  { return read(g, (*state).AssumedPods) }
func (g guarded) AssignedPods() sets.Set[types.UID] { return read(g, (*state).AssignedPods) }
func (g guarded) ScheduledPods() []*corev1.Pod      { return read(g, (*state).ScheduledPods) }
func (g guarded) ScheduledPodsCount() int           { return read(g, (*state).ScheduledPodsCount) }
func (g guarded) UnscheduledPods() map[string]*corev1.Pod {
	return read(g, (*state).UnscheduledPods)
}

func read[T any](g guarded, get func(*state) T) T {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	return get(g.state)
}
