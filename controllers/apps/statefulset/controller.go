package statefulset

import (
	"context"
	"fmt"
	"strings"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups=apps,resources=statefulsets,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=statefulsets/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=statefulsets/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for StatefulSets.
type Controller struct{}

var _ loop.Controller[*oappsv1.StatefulSet, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("statefulset-controller", Controller{},
		loop.Owns(&ocorev1.Pod{}),
		loop.Owns(&oappsv1.ControllerRevision{}),
		ownership.WakesAdopters[*oappsv1.StatefulSet, *ocorev1.Pod](&oappsv1.StatefulSetList{}, selectorOf),
		ownership.WakesAdopters[*oappsv1.StatefulSet, *oappsv1.ControllerRevision](&oappsv1.StatefulSetList{}, selectorOf),
		ownership.Indexed(&ocorev1.Pod{}),
		ownership.Indexed(&oappsv1.ControllerRevision{}),
		loop.Watches(namesake, gone),
		loop.Watches(setsOf, loop.Update(func(was, is *ocorev1.PersistentVolumeClaim) bool {
			return (was.DeletionTimestamp == nil) != (is.DeletionTimestamp == nil)
		})),
	)
}

func selectorOf(set *oappsv1.StatefulSet) *metav1.LabelSelector { return set.Spec.Selector }

// namesake names the StatefulSet that a pod may have been in the way of: by its name it is one of it.
func namesake(_ context.Context, _ client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	i := strings.LastIndex(pod.Name, "-")
	if i < 0 {
		return nil, nil
	}
	if _, numbered := podtemplate.Ordinal(pod.Name[:i], pod.Name); !numbered {
		return nil, nil
	}
	return []client.ObjectKey{{Namespace: pod.Namespace, Name: pod.Name[:i]}}, nil
}

// gone lets pass that something is gone.
var gone = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(event.UpdateEvent) bool { return false },
}

// setsOf names the StatefulSets that a claim may be for: it has the labels by which they select.
func setsOf(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	var sets oappsv1.StatefulSetList
	if err := read.List(ctx, &sets, client.InNamespace(claim.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the StatefulSets of namespace %s: %w", claim.Namespace, err)
	}
	var keys []client.ObjectKey
	for i := range sets.Items {
		selector, err := metav1.LabelSelectorAsSelector(sets.Items[i].Spec.Selector)
		if err == nil && len(sets.Items[i].Spec.VolumeClaimTemplates) > 0 && selector.Matches(labels.Set(claim.Labels)) {
			keys = append(keys, client.ObjectKeyFromObject(&sets.Items[i]))
		}
	}
	return keys, nil
}
