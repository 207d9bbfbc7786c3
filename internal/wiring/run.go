package wiring

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Part is something that runs against an API server. It runs once.
type Part interface {
	// Run works until ctx ends, which is no error.
	Run(ctx context.Context) error
	// Ready is closed once the part is of use.
	Ready() <-chan struct{}
}

// Run runs a part until ctx ends, and calls ready once it is of use.
func Run(ctx context.Context, part Part, ready func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-part.Ready():
			ready()
		case <-ctx.Done():
		}
	}()
	return part.Run(ctx)
}

// Manager is a controller-runtime manager as a part: it is of use when its caches hold what the cluster has.
type Manager struct {
	manager.Manager
	ready chan struct{}
	stop  func() // what is still needed when the last runnable ends
}

// Run implements Part.
func (m *Manager) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		if m.GetCache().WaitForCacheSync(ctx) {
			close(m.ready)
		}
	}()
	defer m.stop()
	return m.Start(ctx)
}

// Ready implements Part.
func (m *Manager) Ready() <-chan struct{} { return m.ready }
