package proxy

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/endpoints"
	"github.com/orrery-dev/orrery/network/nft"
)

// World is all that a plan depends on.
type World struct {
	Options
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	// Node is the one that we run on; nil while the API server has none of its name.
	Node *corev1.Node
	// Present is what the kernel's table holds.
	Present *nft.Table
	// FlowsDue says that flows have not been looked through since the table was written last.
	FlowsDue bool
	// Departed are ports of services that were taken from the table since then.
	Departed []departed
	// Healths are what is said at health check node ports.
	Healths map[int32]health
	// Begun is when the pass began.
	Begun time.Time
}

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, look engine.Look, _ engine.One) (World, error) {
	var services ocorev1.ServiceList
	if err := l.read.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing Services: %w", err)
	}
	var endpointSlices odiscoveryv1.EndpointSliceList
	if err := l.read.List(ctx, &endpointSlices, client.UnsafeDisableDeepCopy); err != nil {
		return World{}, fmt.Errorf("listing EndpointSlices: %w", err)
	}
	node, err := l.ownNode(ctx)
	if err != nil {
		return World{}, err
	}
	present, err := l.node.table.Read()
	if err != nil || present.Unknown == "" { // else it is about to be written
		l.node.record.note(err, look.Now())
	}
	if err != nil {
		return World{}, err
	}
	w := World{Options: l.options, Node: node, Present: present, Healths: l.node.healths.said(), Begun: look.Now()}
	w.FlowsDue, w.Departed = l.node.due()
	for i := range services.Items {
		w.Services = append(w.Services, (*corev1.Service)(&services.Items[i]))
	}
	for i := range endpointSlices.Items {
		w.Slices = append(w.Slices, (*discoveryv1.EndpointSlice)(&endpointSlices.Items[i]))
	}
	return w, nil
}

// ownNode is the node that we run on; nil while there is none of its name.
func (l *loop) ownNode(ctx context.Context) (*corev1.Node, error) {
	var nodes ocorev1.NodeList
	if err := l.read.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing Nodes: %w", err)
	}
	for i := range nodes.Items {
		if nodes.Items[i].Name == l.options.NodeName {
			return (*corev1.Node)(&nodes.Items[i]), nil
		}
	}
	return nil, nil
}

// place is where the node is.
func (w World) place() endpoints.Place {
	here := endpoints.Place{Node: w.NodeName}
	if w.Node != nil {
		here.Zone = w.Node.Labels[corev1.LabelTopologyZone]
	}
	return here
}
