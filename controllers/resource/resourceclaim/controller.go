package resourceclaim

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Whoever changes allocations and reservations needs the right to bind claims, besides that to write their status.
//
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/status,verbs=patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/binding,verbs=patch

// Controller decides for ResourceClaims.
type Controller struct{}

var _ loop.Controller[*resourcev1.ResourceClaim, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("resourceclaim-controller", Controller{},
		ownership.Indexed(&resourcev1.ResourceClaim{}),
		loop.Watches(claimsOf, done),
	)
}

// claimsOf names the claims of a pod: those that it asks for, and those that were made for it.
func claimsOf(ctx context.Context, read client.Reader, pod *ocorev1.Pod) ([]client.ObjectKey, error) {
	names := resourceclaims.Names(pod)
	if extended := resourceclaims.Extended(pod); extended != "" {
		names = append(names, extended)
	}
	if len(pod.Spec.ResourceClaims) > 0 {
		var made resourcev1.ResourceClaimList
		if err := ownership.Controlled(ctx, read, pod.Namespace, pod.UID, &made); err != nil {
			return nil, err
		}
		for i := range made.Items {
			names = append(names, made.Items[i].Name)
		}
	}
	keys := make([]client.ObjectKey, len(names))
	for i, name := range names {
		keys[i] = client.ObjectKey{Namespace: pod.Namespace, Name: name}
	}
	return keys, nil
}

// done lets pass that a pod needs its claims no more. A pod that went while another one came by its name may show as one change.
var done = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return resourceclaims.Done(e.Object.(*ocorev1.Pod)) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return was.UID != is.UID || resourceclaims.Done(is)
	},
}
