package apiserver

import (
	"net"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"
)

// noEndpoints leaves the `kubernetes` Service without endpoints: for a server that pods cannot reach.
//
// Upstream's own reconciler of that kind reports at every start that it has removed stale endpoints: it says of a
// removal that it has succeeded, where nothing was there.
type noEndpoints struct {
	stopping atomic.Bool
}

var _ reconcilers.EndpointReconciler = &noEndpoints{}

// ValidateIP implements reconcilers.EndpointReconciler.
func (*noEndpoints) ValidateIP(net.IP) error { return nil }

// ReconcileEndpoints implements reconcilers.EndpointReconciler.
func (*noEndpoints) ReconcileEndpoints(string, net.IP, []corev1.EndpointPort, bool) error { return nil }

// RemoveEndpoints implements reconcilers.EndpointReconciler.
func (n *noEndpoints) RemoveEndpoints(service string, _ net.IP, _ []corev1.EndpointPort) error {
	if n.stopping.Load() {
		return nil
	}
	return storage.NewKeyNotFoundError(service, 0)
}

// StopReconciling implements reconcilers.EndpointReconciler.
func (n *noEndpoints) StopReconciling() { n.stopping.Store(true) }

// Destroy implements reconcilers.EndpointReconciler.
func (*noEndpoints) Destroy() {}
