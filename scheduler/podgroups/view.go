package podgroups

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// View is Groups at one moment. The zero value knows nothing; Groups.Update brings it up to date.
type View struct {
	framework.NoPodGroups // for groups of groups

	served     bool
	generation int64
	dropped    int64
	states     map[types.NamespacedName]*state
	before     map[types.NamespacedName]*state // what Assume and Forget changed, as it was
}

var _ fwk.PodGroupManager = &View{}

// Update copies to the view what has changed since it was last updated, and takes back what was changed in it. It costs
// as much as there are changed groups.
func (g *Groups) Update(v *View) {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	if v.states == nil {
		v.states = map[types.NamespacedName]*state{}
	}
	v.served = g.served
	v.Restore()
	for element := g.recent.Front(); element != nil; element = element.Next() {
		record := element.Value.(*record)
		if record.state.generation <= v.generation {
			break
		}
		v.states[record.key] = record.state.clone()
	}
	v.generation = g.generation
	if v.dropped != g.dropped {
		for key := range v.states {
			if _, still := g.groups[key]; !still {
				delete(v.states, key)
			}
		}
		v.dropped = g.dropped
	}
}

// Restore takes back every Assume and Forget.
func (v *View) Restore() {
	for key, state := range v.before {
		v.states[key] = state
	}
	v.before = nil
}

// Assume counts a pod as scheduled, until Forget, Restore or the next Update.
func (v *View) Assume(pod *corev1.Pod) { v.change(pod, (*state).assume) }

// Forget takes Assume back.
func (v *View) Forget(pod *corev1.Pod) { v.change(pod, (*state).forget) }

func (v *View) change(pod *corev1.Pod, change func(*state, *corev1.Pod)) {
	key, grouped := Of(pod)
	current, found := v.states[key]
	if !grouped || !found {
		return
	}
	if _, saved := v.before[key]; !saved {
		if v.before == nil {
			v.before = map[types.NamespacedName]*state{}
		}
		v.before[key] = current
		current = current.clone()
		v.states[key] = current
	}
	change(current, pod)
}

// PodGroups returns the objects.
func (v *View) PodGroups() fwk.PodGroupLister { return objects{v} }

// PodGroupStates returns how far the groups have come.
func (v *View) PodGroupStates() fwk.PodGroupStateLister { return states{v} }

// GetRootKeyForGroup returns the key of the group itself, if its object is known: there are no groups of groups.
func (v *View) GetRootKeyForGroup(key fwk.EntityKey) (fwk.EntityKey, bool, error) {
	return rootOf(v, key)
}

// BuildHierarchySnapshotFromPod returns the pod's group.
func (v *View) BuildHierarchySnapshotFromPod(pod *corev1.Pod) (fwk.PodGroupManager, error) {
	return hierarchyOf(v, pod)
}

func (v *View) find(key types.NamespacedName) (fwk.PodGroupState, *schedulingv1beta1.PodGroup, error) {
	if !v.served {
		return nil, nil, fmt.Errorf("pod group %s: the API server has no pod groups: %w", key, framework.ErrUnsupported)
	}
	state, found := v.states[key]
	if !found {
		return nil, nil, notFound(key)
	}
	return state, state.object, nil
}

func (v *View) copyOf(key types.NamespacedName) *state {
	if state, found := v.states[key]; found {
		return state.clone()
	}
	return nil
}
