package deployment

import (
	"context"
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=apps,resources=deployments/status,verbs=patch
// +kubebuilder:rbac:groups=apps,resources=deployments/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Deployments.
type Controller struct{}

var _ loop.Controller[*oappsv1.Deployment, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("deployment-controller", Controller{},
		loop.Owns(&oappsv1.ReplicaSet{}),
		ownership.WakesAdopters[*oappsv1.Deployment, *oappsv1.ReplicaSet](&oappsv1.DeploymentList{}, selectorOf),
		loop.Watches(recreating, onlyDeletions),
		ownership.Indexed(&oappsv1.ReplicaSet{}),
		ownership.Indexed(&ocorev1.Pod{}),
	)
}

// onlyDeletions lets pass that an object is gone.
var onlyDeletions = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	UpdateFunc:  func(event.UpdateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
}

func selectorOf(d *oappsv1.Deployment) *metav1.LabelSelector { return d.Spec.Selector }

// recreating names the Deployment of a pod that has gone, if it is one that waits for old pods to go.
func recreating(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	var rs oappsv1.ReplicaSet
	var d oappsv1.Deployment
	if found, err := controllerOf(ctx, read, pod, &rs); err != nil || !found {
		return nil, err
	}
	if found, err := controllerOf(ctx, read, &rs, &d); err != nil || !found || !recreates(&d) {
		return nil, err
	}
	return []client.ObjectKey{client.ObjectKeyFromObject(&d)}, nil
}

// controllerOf reads the controller of obj, and reports whether there is one of the kind of controller.
func controllerOf(ctx context.Context, read client.Reader, obj, controller client.Object) (bool, error) {
	ref := metav1.GetControllerOfNoCopy(obj)
	if ref == nil {
		return false, nil
	}
	err := read.Get(ctx, client.ObjectKey{Namespace: obj.GetNamespace(), Name: ref.Name}, controller)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading the controller of %s: %w", client.ObjectKeyFromObject(obj), err)
	}
	return err == nil && controller.GetUID() == ref.UID, nil
}
