package podresourceclaim

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Whoever reserves claims needs the right to bind them, besides that to write their status.
//
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods/status,verbs=patch
// +kubebuilder:rbac:groups=scheduling.k8s.io,resources=podgroups,verbs=list;watch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/status,verbs=patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaims/binding,verbs=patch
// +kubebuilder:rbac:groups=resource.k8s.io,resources=resourceclaimtemplates,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("pod-resourceclaim-controller", Controller{}, append(resourceclaims.Indexed(),
		loop.RecordsAs("resource_claim"),
		podgroups.Indexed(),
		ownership.Indexed(&resourcev1.ResourceClaim{}),
		loop.When(predicate.NewPredicateFuncs(hasClaims), loop.Update(needsOthers)),
		loop.Owns(&resourcev1.ResourceClaim{}),
		loop.Watches(resourceclaims.PodsNaming),
		loop.Watches(resourceclaims.PodsFrom, comes),
		loop.Watches(podgroups.Keys, comes),
	)...)
}

// hasClaims lets pass pods that ask for claims.
func hasClaims(obj client.Object) bool {
	pod, ok := obj.(*ocorev1.Pod)
	return ok && len(pod.Spec.ResourceClaims) > 0
}

// needsOthers reports that a pod's change may change what it needs.
func needsOthers(was, is *ocorev1.Pod) bool {
	return was.UID != is.UID || was.Spec.NodeName != is.Spec.NodeName ||
		!equality.Semantic.DeepEqual(was.Status.ResourceClaimStatuses, is.Status.ResourceClaimStatuses)
}

// comes lets pass that something has come into being, which others have waited for.
var comes = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}
