package endpointslicemirroring

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managedBy is the name of this controller on its slices. It is upstream's: whoever reads slices looks for it.
const managedBy = "endpointslicemirroring-controller.k8s.io"

// +kubebuilder:rbac:groups="",resources=endpoints;services,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=endpoints/finalizers,verbs=update
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for Endpoints.
type Controller struct{}

var _ loop.Controller[*ocorev1.Endpoints, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("endpointslice-mirroring-controller", Controller{},
		loop.RecordsAs("endpoint-slice-mirroring-controller"),
		loop.Owns(&odiscoveryv1.EndpointSlice{}),
		loop.Watches(endpointsOf, selectorAppears),
	)
}

// selectorAppears lets pass that a Service comes, goes, or gets or loses its selector.
var selectorAppears = loop.Update(func(was, is *ocorev1.Service) bool {
	return (was.Spec.Selector == nil) != (is.Spec.Selector == nil)
})

// endpointsOf names the Endpoints of a Service.
func endpointsOf(_ context.Context, _ client.Reader, service *ocorev1.Service) ([]client.ObjectKey, error) {
	return []client.ObjectKey{client.ObjectKeyFromObject(service)}, nil
}
