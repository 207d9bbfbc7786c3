package envtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

// Component is a part of a control plane that runs against the API server.
type Component struct {
	// Name is what errors call it.
	Name string
	// Identity is who it is to the API server. The zero value is the administrator, as in Environment.Config.
	Identity identity.Identity
	// Run runs it until ctx ends, and then returns. What it returns before that is reported by Environment.Stop, as is
	// an error other than ctx's own afterwards.
	Run func(ctx context.Context, config *rest.Config) error
}

// running are components that run.
type running struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	pending map[string]bool
	errs    []error
}

// run starts the components. Each gets a goroutine and a client configuration of its own.
func (te *Environment) run(components []Component) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, pending: map[string]bool{}}
	for _, component := range components {
		config, err := te.configFor(component)
		if err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		r.pending[component.Name] = true
		r.done.Go(func() {
			err := component.Run(ctx, config)
			r.ended(ctx, component.Name, err)
		})
	}
	return r
}

func (te *Environment) configFor(component Component) (*rest.Config, error) {
	if te.server == nil || component.Identity.User == "" {
		return rest.CopyConfig(te.Config), nil
	}
	config, err := te.server.Config(component.Identity)
	if err != nil {
		return nil, fmt.Errorf("configuring %s: %w", component.Name, err)
	}
	return config, nil
}

func (r *running) ended(ctx context.Context, name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pending, name)
	switch {
	case ctx.Err() == nil && err == nil:
		r.errs = append(r.errs, fmt.Errorf("%s ended before the environment was stopped", name))
	case err != nil && !errors.Is(err, context.Canceled):
		r.errs = append(r.errs, fmt.Errorf("running %s: %w", name, err))
	}
}

// stop ends the components and returns what went wrong in them. It waits no longer than timeout.
func (r *running) stop(timeout time.Duration) error {
	if r == nil {
		return nil
	}
	r.cancel()
	ended := make(chan struct{})
	go func() {
		r.done.Wait()
		close(ended)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	errs := r.errs
	for name := range r.pending {
		errs = append(errs, fmt.Errorf("stopping %s: still running after %s", name, timeout))
	}
	return errors.Join(errs...)
}
