package endpoints

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is a Service, what is behind it, and what its Endpoints say is.
type world struct {
	// service is nil if there is none.
	service *ocorev1.Service
	// pods are those that the Service selects.
	pods []ocorev1.Pod
	// endpoints are those of the Service's name, whoever made them; nil if there are none.
	endpoints *ocorev1.Endpoints
}

// Observe reads the Service, the pods that it selects, and its Endpoints.
func (Controller) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (world, error) {
	var w world
	var err error
	if w.service, err = serviceOf(ctx, view, key); err != nil {
		return world{}, err
	}
	if w.service != nil && !servicepods.Selects(w.service) {
		return w, nil
	}
	if w.endpoints, err = endpointsOf(ctx, view, key); err != nil {
		return world{}, err
	}
	switch {
	case w.service != nil:
		w.pods, err = servicepods.Selected(ctx, view, w.service)
	case w.endpoints == nil:
		err = fmt.Errorf("reading Service and Endpoints %s: %w", key, engine.ErrGone)
	}
	return w, err
}

// serviceOf reads a Service; nil means that there is none.
func serviceOf(ctx context.Context, read client.Reader, key client.ObjectKey) (*ocorev1.Service, error) {
	service := &ocorev1.Service{}
	switch err := read.Get(ctx, key, service); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Service %s: %w", key, err)
	}
	return service, nil
}

// endpointsOf reads the Endpoints of a Service; nil means that there are none.
func endpointsOf(ctx context.Context, read client.Reader, key client.ObjectKey) (*ocorev1.Endpoints, error) {
	endpoints := &ocorev1.Endpoints{}
	switch err := read.Get(ctx, key, endpoints); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading Endpoints %s: %w", key, err)
	}
	return endpoints, nil
}
