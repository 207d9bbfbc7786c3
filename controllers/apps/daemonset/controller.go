package daemonset

import (
	"context"
	"fmt"
	"reflect"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=apps,resources=daemonsets,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=daemonsets/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=daemonsets/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for DaemonSets.
type Controller struct{}

var _ loop.Controller[*oappsv1.DaemonSet, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("daemonset-controller", Controller{},
		loop.Owns(&ocorev1.Pod{}),
		loop.Owns(&oappsv1.ControllerRevision{}),
		ownership.WakesAdopters[*oappsv1.DaemonSet, *ocorev1.Pod](&oappsv1.DaemonSetList{}, selectorOf),
		ownership.WakesAdopters[*oappsv1.DaemonSet, *oappsv1.ControllerRevision](&oappsv1.DaemonSetList{}, selectorOf),
		ownership.Indexed(&ocorev1.Pod{}),
		ownership.Indexed(&oappsv1.ControllerRevision{}),
		loop.Watches(everySet, loop.Update(func(was, is *ocorev1.Node) bool {
			return !reflect.DeepEqual(was.Labels, is.Labels) || !reflect.DeepEqual(was.Spec.Taints, is.Spec.Taints)
		})),
	)
}

func selectorOf(set *oappsv1.DaemonSet) *metav1.LabelSelector { return set.Spec.Selector }

// everySet names all DaemonSets: any of them may fit a node that came or changed.
func everySet(ctx context.Context, read client.Reader, _ *ocorev1.Node) ([]client.ObjectKey, error) {
	var sets oappsv1.DaemonSetList
	if err := read.List(ctx, &sets, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing DaemonSets: %w", err)
	}
	keys := make([]client.ObjectKey, len(sets.Items))
	for i := range sets.Items {
		keys[i] = client.ObjectKeyFromObject(&sets.Items[i])
	}
	return keys, nil
}
