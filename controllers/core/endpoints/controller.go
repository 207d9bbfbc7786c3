package endpoints

import (
	"context"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// How Endpoints of this loop are known. It is upstream's: whoever reads Endpoints looks for it.
const (
	labelManagedBy = "endpoints.kubernetes.io/managed-by"
	managedBy      = "endpoint-controller"
)

// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=endpoints,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Controller decides for what has the name of a Service: it is asked about Services that are gone, too.
type Controller struct{}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.NewGroup("endpoints-controller", Controller{},
		loop.RecordsAs("endpoint-controller"),
		loop.Watches(itself),
		loop.Watches(servicepods.Selecting),
		loop.Watches(whose),
	)
}

// itself names the Service that changed.
func itself(_ context.Context, _ client.Reader, service *ocorev1.Service) ([]client.ObjectKey, error) {
	return []client.ObjectKey{client.ObjectKeyFromObject(service)}, nil
}

// whose names the Service of Endpoints that are this loop's, or shall be. Whoever makes others may make their Service later.
func whose(ctx context.Context, read client.Reader, endpoints *ocorev1.Endpoints) ([]client.ObjectKey, error) {
	key := client.ObjectKeyFromObject(endpoints)
	if endpoints.Labels[labelManagedBy] == managedBy {
		return []client.ObjectKey{key}, nil
	}
	service, err := serviceOf(ctx, read, key)
	if err != nil || service == nil || !servicepods.Selects(service) {
		return nil, err
	}
	return []client.ObjectKey{key}, nil
}
