package podgroups

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// finder is a Groups or a View.
type finder interface {
	// find returns a group's state and its object, which is nil where it has not been seen.
	find(key types.NamespacedName) (fwk.PodGroupState, *schedulingv1beta1.PodGroup, error)
	copyOf(key types.NamespacedName) *state
}

type objects struct{ in finder }

// Get returns the object of a group.
func (o objects) Get(namespace, name string) (*schedulingv1beta1.PodGroup, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	_, object, err := o.in.find(key)
	if err == nil && object == nil {
		err = notFound(key)
	}
	return object, err
}

type states struct{ in finder }

// Get returns the state of a group, whose object need not be known.
func (s states) Get(namespace, name string) (fwk.PodGroupState, error) {
	state, _, err := s.in.find(types.NamespacedName{Namespace: namespace, Name: name})
	return state, err
}

func rootOf(in finder, key fwk.EntityKey) (fwk.EntityKey, bool, error) {
	if key.Type != fwk.PodGroupKeyType {
		return fwk.EntityKey{}, false, fmt.Errorf("finding the root of %s: %w", key, framework.ErrCompositePodGroups)
	}
	if _, err := (objects{in}).Get(key.Namespace, key.Name); err != nil {
		return fwk.EntityKey{}, false, nil //nolint:nilerr // unknown is an answer, not a failure
	}
	return key, true, nil
}

func hierarchyOf(in finder, pod *corev1.Pod) (fwk.PodGroupManager, error) {
	key, grouped := Of(pod)
	if !grouped {
		return nil, fmt.Errorf("finding the group of pod %s: it names none", klog.KObj(pod))
	}
	if _, err := (objects{in}).Get(key.Namespace, key.Name); err != nil {
		return nil, err
	}
	return &View{states: map[types.NamespacedName]*state{key: in.copyOf(key)}, served: true}, nil
}
