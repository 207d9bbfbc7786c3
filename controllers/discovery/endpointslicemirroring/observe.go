package endpointslicemirroring

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world says whether Endpoints are mirrored, and what there is of that.
type world struct {
	// mirrored is whether they shall be.
	mirrored bool
	// slices are those of this controller that are not being deleted.
	slices []*odiscoveryv1.EndpointSlice
}

// Observe reads the Service of the Endpoints and the slices that there are.
func (Controller) Observe(ctx context.Context, view loop.View, endpoints *ocorev1.Endpoints) (world, error) {
	var w world
	var err error
	if w.mirrored, err = mirrored(ctx, view, endpoints); err != nil {
		return world{}, err
	}
	var list odiscoveryv1.EndpointSliceList
	ours := client.MatchingLabels{discoveryv1.LabelServiceName: endpoints.Name, discoveryv1.LabelManagedBy: managedBy}
	if err := view.List(ctx, &list, client.InNamespace(endpoints.Namespace), ours); err != nil {
		return world{}, fmt.Errorf("listing slices of Endpoints %s: %w", client.ObjectKeyFromObject(endpoints), err)
	}
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			w.slices = append(w.slices, &list.Items[i])
		}
	}
	return w, nil
}

// mirrored reports whether Endpoints are those of a Service without a selector, and nobody has said that they stay alone.
func mirrored(ctx context.Context, read client.Reader, endpoints *ocorev1.Endpoints) (bool, error) {
	_, elects := endpoints.Annotations[resourcelock.LeaderElectionRecordAnnotationKey]
	if elects || endpoints.Labels[discoveryv1.LabelSkipMirror] == "true" {
		return false, nil
	}
	var service ocorev1.Service
	switch err := read.Get(ctx, client.ObjectKeyFromObject(endpoints), &service); {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading Service %s: %w", client.ObjectKeyFromObject(endpoints), err)
	}
	return service.Spec.Selector == nil, nil
}
