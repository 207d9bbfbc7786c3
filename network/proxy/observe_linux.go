package proxy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
)

// observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func observe(ctx context.Context, read client.Reader, o Options) (World, error) {
	var services ocorev1.ServiceList
	if err := read.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing services: %w", err)
	}
	var endpointSlices odiscoveryv1.EndpointSliceList
	if err := read.List(ctx, &endpointSlices, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing endpoint slices: %w", err)
	}
	w := World{NodeName: o.NodeName, ClusterCIDR: o.ClusterCIDR, ServiceCIDR: o.ServiceCIDR, Table: tableName(o.Name)}
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	for i := range endpointSlices.Items {
		w.Slices = append(w.Slices, (*discoveryv1.EndpointSlice)(&endpointSlices.Items[i]))
	}
	return w, nil
}
