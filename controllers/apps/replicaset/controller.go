package replicaset

import (
	"context"
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=replicasets/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for ReplicaSets.
type Controller struct{}

var _ loop.Controller[*oappsv1.ReplicaSet, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("replicaset-controller", Controller{},
		loop.Owns(&ocorev1.Pod{}),
		loop.Watches(selecting),
		ownership.Indexed(&ocorev1.Pod{}),
		ownership.Indexed(&oappsv1.ReplicaSet{}),
	)
}

// selecting names the ReplicaSets that might adopt a pod.
func selecting(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	if metav1.GetControllerOfNoCopy(pod) != nil {
		return nil, nil
	}
	var sets oappsv1.ReplicaSetList
	if err := read.List(ctx, &sets, client.InNamespace(pod.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets of namespace %s: %w", pod.Namespace, err)
	}
	var keys []client.ObjectKey
	for _, rs := range sets.Items {
		if ownership.Adoptable(pod, rs.Spec.Selector) {
			keys = append(keys, client.ObjectKeyFromObject(&rs))
		}
	}
	return keys, nil
}
