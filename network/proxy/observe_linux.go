package proxy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// World is all that a plan depends on.
type World struct {
	Options
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	// Present is what the kernel's table holds.
	Present *nft.Table
	// FlowsDue says that flows have not been looked through since the table was written last.
	FlowsDue bool
}

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	var services ocorev1.ServiceList
	if err := l.read.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing Services: %w", err)
	}
	var endpointSlices odiscoveryv1.EndpointSliceList
	if err := l.read.List(ctx, &endpointSlices, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing EndpointSlices: %w", err)
	}
	present, err := l.node.table.Read()
	if err != nil {
		return World{}, err
	}
	w := World{Options: l.options, Present: present, FlowsDue: l.node.flowsDue.Load()}
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	for i := range endpointSlices.Items {
		w.Slices = append(w.Slices, (*discoveryv1.EndpointSlice)(&endpointSlices.Items[i]))
	}
	return w, nil
}
