package podgroups

import (
	"container/list"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Groups is what is known of pod groups at this moment. The zero value is not usable: see New.
type Groups struct {
	framework.NoPodGroups // for groups of groups

	mutex      sync.RWMutex
	served     bool
	generation int64
	dropped    int64 // how many groups have been forgotten
	groups     map[types.NamespacedName]*list.Element
	recent     *list.List // of *record, most recently changed first
}

type record struct {
	key   types.NamespacedName
	state *state
}

var _ fwk.PodGroupManager = &Groups{}

// New returns an empty Groups.
func New() *Groups {
	return &Groups{groups: map[types.NamespacedName]*list.Element{}, recent: list.New()}
}

// Of returns the group that a pod names, and whether it names one.
func Of(pod *corev1.Pod) (types.NamespacedName, bool) {
	group := pod.Spec.SchedulingGroup
	if group == nil || group.PodGroupName == nil {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: pod.Namespace, Name: *group.PodGroupName}, true
}

// Together reports whether two pods name the same group.
func Together(a, b *corev1.Pod) bool {
	group, grouped := Of(a)
	other, _ := Of(b)
	return grouped && group == other
}

// Serve says that the API server has pod groups. Call it before the first pod comes.
func (g *Groups) Serve() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.served = true
}

// Served reports whether the API server has pod groups.
func (g *Groups) Served() bool {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	return g.served
}

// SetGroup takes in a group's object.
func (g *Groups) SetGroup(object *schedulingv1beta1.PodGroup) {
	g.change(types.NamespacedName{Namespace: object.Namespace, Name: object.Name}, func(s *state) { s.object = object })
}

// RemoveGroup forgets a group's object. Its pods stay until they are removed themselves.
func (g *Groups) RemoveGroup(namespace, name string) {
	g.change(types.NamespacedName{Namespace: namespace, Name: name}, func(s *state) { s.object = nil })
}

// SetPod takes in a pod as the API server shows it. A pod without a group is ignored, here and below.
func (g *Groups) SetPod(pod *corev1.Pod) { g.changePod(pod, func(s *state) { s.set(pod) }) }

// RemovePod forgets a pod, wherever it was.
func (g *Groups) RemovePod(pod *corev1.Pod) { g.changePod(pod, func(s *state) { s.remove(pod.UID) }) }

// Assume says that the scheduler has decided on the node in the pod's spec. A pod that is not known is ignored.
func (g *Groups) Assume(pod *corev1.Pod) { g.changePod(pod, func(s *state) { s.assume(pod) }) }

// Forget takes Assume back.
func (g *Groups) Forget(pod *corev1.Pod) { g.changePod(pod, func(s *state) { s.forget(pod) }) }

func (g *Groups) changePod(pod *corev1.Pod, change func(*state)) {
	if key, grouped := Of(pod); grouped {
		g.change(key, change)
	}
}

func (g *Groups) change(key types.NamespacedName, change func(*state)) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	element, found := g.groups[key]
	if !found {
		element = g.recent.PushFront(&record{key: key, state: newState()})
		g.groups[key] = element
	}
	g.recent.MoveToFront(element)
	state := element.Value.(*record).state
	g.generation++
	state.generation = g.generation
	change(state)
	if state.empty() {
		g.dropped++
		g.recent.Remove(element)
		delete(g.groups, key)
	}
}

// PodGroups returns the objects.
func (g *Groups) PodGroups() fwk.PodGroupLister { return objects{g} }

// PodGroupStates returns how far the groups have come. A state goes on changing.
func (g *Groups) PodGroupStates() fwk.PodGroupStateLister { return states{g} }

// GetRootKeyForGroup returns the key of the group itself, if its object is known: there are no groups of groups.
func (g *Groups) GetRootKeyForGroup(key fwk.EntityKey) (fwk.EntityKey, bool, error) {
	return rootOf(g, key)
}

// BuildHierarchySnapshotFromPod returns the pod's group as it is now.
func (g *Groups) BuildHierarchySnapshotFromPod(pod *corev1.Pod) (fwk.PodGroupManager, error) {
	return hierarchyOf(g, pod)
}

func (g *Groups) find(key types.NamespacedName) (fwk.PodGroupState, *schedulingv1beta1.PodGroup, error) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	if !g.served {
		return nil, nil, fmt.Errorf("pod group %s: the API server has no pod groups: %w", key, framework.ErrUnsupported)
	}
	element, found := g.groups[key]
	if !found {
		return nil, nil, notFound(key)
	}
	state := element.Value.(*record).state
	return guarded{&g.mutex, state}, state.object, nil
}

func notFound(key types.NamespacedName) error { return fmt.Errorf("pod group %s is not known", key) }

func (g *Groups) copyOf(key types.NamespacedName) *state {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	if element, found := g.groups[key]; found {
		return element.Value.(*record).state.clone()
	}
	return nil
}
