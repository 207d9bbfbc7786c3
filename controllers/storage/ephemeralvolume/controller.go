package ephemeralvolume

import (
	"context"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=pods/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("ephemeral-volume-controller", Controller{},
		loop.RecordsAs("ephemeral_volume"),
		podclaims.Indexed(),
		loop.When(predicate.NewPredicateFuncs(hasEphemeralVolumes), loop.Update(replaced[*ocorev1.Pod])),
		loop.Watches(podsNaming, gone),
	)
}

// hasEphemeralVolumes lets pass pods that need claims of their own.
func hasEphemeralVolumes(obj client.Object) bool {
	pod, ok := obj.(*ocorev1.Pod)
	return ok && slices.ContainsFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool { return volume.Ephemeral != nil })
}

// gone lets pass that a claim is no more. Of one that came nobody has to be told: the pod it is in the way of has found out, or will.
var gone = predicate.And(
	predicate.Funcs{CreateFunc: func(event.CreateEvent) bool { return false }},
	loop.Update(replaced[*ocorev1.PersistentVolumeClaim]),
)

// replaced reports that an object went and another one came by its name, which a watch may show as one change. Nothing that claims are
// made of changes otherwise.
func replaced[T client.Object](was, is T) bool { return was.GetUID() != is.GetUID() }

// podsNaming names the pods that have volumes with the name of a claim.
func podsNaming(ctx context.Context, read client.Reader, claim *ocorev1.PersistentVolumeClaim) ([]client.ObjectKey, error) {
	pods, err := podclaims.Naming(ctx, read, client.ObjectKeyFromObject(claim))
	if err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for i := range pods {
		if hasEphemeralVolumes(&pods[i]) {
			keys = append(keys, client.ObjectKeyFromObject(&pods[i]))
		}
	}
	return keys, nil
}
