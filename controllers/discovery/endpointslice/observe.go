package endpointslice

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/loop"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is behind a Service, and what its slices say is.
type world struct {
	pods []ocorev1.Pod
	// nodes are those of the pods, by name. One that does not exist is not among them.
	nodes map[string]*ocorev1.Node
	// slices are those of this controller that are not being deleted.
	slices []odiscoveryv1.EndpointSlice
}

// Observe reads the pods that the Service selects, their nodes, and the slices that there are.
func (Controller) Observe(ctx context.Context, view loop.View, service *ocorev1.Service) (world, error) {
	if !servicepods.Selects(service) {
		return world{}, nil
	}
	pods, err := servicepods.Selected(ctx, view, service)
	if err != nil {
		return world{}, err
	}
	var list odiscoveryv1.EndpointSliceList
	ours := client.MatchingLabels{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: managedBy}
	if err := view.List(ctx, &list, client.InNamespace(service.Namespace), ours); err != nil {
		return world{}, fmt.Errorf("listing slices of Service %s: %w", client.ObjectKeyFromObject(service), err)
	}
	w := world{pods: pods, nodes: map[string]*ocorev1.Node{}}
	for _, slice := range list.Items {
		if slice.DeletionTimestamp == nil {
			w.slices = append(w.slices, slice)
		}
	}
	for _, pod := range w.pods {
		if err := w.readNode(ctx, view, pod.Spec.NodeName); err != nil {
			return world{}, err
		}
	}
	return w, nil
}

func (w *world) readNode(ctx context.Context, read client.Reader, name string) error {
	if name == "" || w.nodes[name] != nil {
		return nil
	}
	var node ocorev1.Node
	switch err := read.Get(ctx, client.ObjectKey{Name: name}, &node); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading Node %s: %w", name, err)
	}
	w.nodes[name] = &node
	return nil
}
