package devicetainteviction

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/devicetaints"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Options are what the loop shares with that of the rules.
type Options struct {
	// Evicted counts the pods that rules evict; nil counts none.
	Evicted *devicetaints.Evictions
}

// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims,verbs=list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceslices,verbs=list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=devicetaintrules,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Pods.
type Controller struct{ Options }

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop(options Options) loop.Loop {
	return loop.New("device-taint-eviction-controller", Controller{options}, append(devicetaints.Indexed(),
		loop.When(boundOrTold),
		loop.Watches(consumers),
		loop.Watches(consumersUnder, loop.Update(otherRule)),
		loop.Watches(consumersOn, loop.Update(otherSlice)),
	)...)
}

// boundOrTold lets pass that a pod with claims has come to a node, and that its status tells of other claims.
var boundOrTold = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return mayUse(e.Object.(*ocorev1.Pod)) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		was, is := e.ObjectOld.(*ocorev1.Pod), e.ObjectNew.(*ocorev1.Pod)
		return mayUse(is) && (was.UID != is.UID || was.Spec.NodeName != is.Spec.NodeName ||
			!equality.Semantic.DeepEqual(was.Status.ResourceClaimStatuses, is.Status.ResourceClaimStatuses))
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// consumers names the pods that a claim is reserved for.
func consumers(_ context.Context, _ client.Reader, claim *resourcev1.ResourceClaim) ([]client.ObjectKey, error) {
	return devicetaints.Consumers(*claim), nil
}

// consumersUnder names the pods that use devices which a rule taints.
func consumersUnder(ctx context.Context, read client.Reader, rule *resourcev1.DeviceTaintRule) ([]client.ObjectKey, error) {
	if !devicetaints.Evicts(rule.Spec.Taint) {
		return nil, nil
	}
	claims, err := devicetaints.ClaimsUnder(ctx, read, rule)
	return devicetaints.Consumers(claims...), err
}

// consumersOn names the pods that use devices of a slice's pool. A slice of a newer generation may hide a taint of an older one, or
// show it again when it goes.
func consumersOn(ctx context.Context, read client.Reader, slice *resourcev1.ResourceSlice) ([]client.ObjectKey, error) {
	claims, err := devicetaints.ClaimsOn(ctx, read, slice.Spec.Driver, slice.Spec.Pool.Name)
	return devicetaints.Consumers(claims...), err
}

func otherRule(was, is *resourcev1.DeviceTaintRule) bool {
	return !equality.Semantic.DeepEqual(was.Spec, is.Spec)
}

func otherSlice(was, is *resourcev1.ResourceSlice) bool {
	return !equality.Semantic.DeepEqual(was.Spec, is.Spec)
}
