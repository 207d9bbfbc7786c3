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

// Manager is a controller-runtime manager as a part: it is of use when its loops have read what they watch and their passes begin,
// or when it stands by because another leads.
type Manager struct {
	manager.Manager
	end   *quietEnd
	ready chan struct{}
	stop  func() // what is still needed when the last runnable ends

	loops    int             // how many have to begin
	started  chan struct{}   // has room for all of them
	standsBy <-chan struct{} // closed when another is seen to lead; nil where nobody else can
}

// Run implements Part.
func (m *Manager) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m.end.with(ctx)
	go func() {
		if m.begins(ctx) {
			close(m.ready)
		}
	}()
	defer m.stop()
	return m.Start(ctx)
}

// begins waits until the manager is of use, and says whether it came to that.
func (m *Manager) begins(ctx context.Context) bool {
	select {
	case <-m.Elected():
	case <-m.standsBy:
		return true
	case <-ctx.Done():
		return false
	}
	for range m.loops {
		select {
		case <-m.started:
		case <-ctx.Done():
			return false
		}
	}
	return m.GetCache().WaitForCacheSync(ctx)
}

// Ready implements Part.
func (m *Manager) Ready() <-chan struct{} { return m.ready }
