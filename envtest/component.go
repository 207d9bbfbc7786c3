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
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	parts map[string]*part // those that have not ended
	errs  []error
}

// part is a component that runs.
type part struct {
	component Component
	cancel    context.CancelFunc
	ended     chan struct{}
	killed    bool
}

// run starts the components.
func (te *Environment) run(components []Component) *running {
	r := &running{parts: map[string]*part{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, component := range components {
		if err := te.runOne(r, component); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	return r
}

// runOne starts a component, with a goroutine and a client configuration of its own.
func (te *Environment) runOne(r *running, component Component) error {
	config, err := te.configFor(component)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	p := &part{component: component, cancel: cancel, ended: make(chan struct{})}
	r.mu.Lock()
	r.parts[component.Name] = p
	r.mu.Unlock()
	r.done.Go(func() {
		defer close(p.ended)
		defer cancel()
		err := component.Run(ctx, config)
		r.ended(p, err)
	})
	return nil
}

func (te *Environment) configFor(component Component) (config *rest.Config, err error) {
	config = rest.CopyConfig(te.Config)
	if te.server != nil && component.Identity.User != "" {
		if config, err = te.server.Config(component.Identity); err != nil {
			return nil, fmt.Errorf("configuring %s: %w", component.Name, err)
		}
	}
	if te.Faults != nil {
		config = te.Faults.Config(config, component.Name)
	}
	return te.tracked(config), nil
}

// Kill ends a component as kill -9 does: from one moment to the next nothing that it sends reaches the API server, and what it knew is
// lost. Components are those of the environment ("controllers", "scheduler", "simulated nodes") and the caller's. It needs Faults, and
// returns when the component has ended.
func (te *Environment) Kill(name string) error {
	te.mu.Lock()
	defer te.mu.Unlock()
	p := te.running.part(name)
	switch {
	case te.Faults == nil:
		return fmt.Errorf("killing %s: the environment has no Faults, by which it would be cut off", name)
	case p == nil:
		return fmt.Errorf("killing %s: no component of that name runs", name)
	}
	te.running.kill(p, func() { te.Faults.Cut(name) })
	timer := time.NewTimer(te.ControlPlaneStopTimeout)
	defer timer.Stop()
	select {
	case <-p.ended:
		te.killed[name] = p.component
		return nil
	case <-timer.C:
		return fmt.Errorf("killing %s: still running after %s", name, te.ControlPlaneStopTimeout)
	}
}

// Restart starts a component that was killed. It begins as a new process would.
func (te *Environment) Restart(name string) error {
	te.mu.Lock()
	defer te.mu.Unlock()
	component, ok := te.killed[name]
	if !ok || te.running == nil {
		return fmt.Errorf("starting %s again: no component of that name was killed", name)
	}
	delete(te.killed, name)
	te.Faults.Mend(name)
	return te.runOne(te.running, component)
}

// part is the component of a name that runs; nil if none does.
func (r *running) part(name string) *part {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.parts[name]
}

// kill has a component end, once it has been cut off. What it says of that is not reported.
func (r *running) kill(p *part, cutOff func()) {
	r.mu.Lock()
	p.killed = true
	r.mu.Unlock()
	cutOff()
	p.cancel()
}

func (r *running) ended(p *part, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.parts[p.component.Name] == p {
		delete(r.parts, p.component.Name)
	}
	switch {
	case p.killed:
	case r.ctx.Err() == nil && err == nil:
		r.errs = append(r.errs, fmt.Errorf("%s ended before the environment was stopped", p.component.Name))
	case err != nil && !errors.Is(err, context.Canceled):
		r.errs = append(r.errs, fmt.Errorf("running %s: %w", p.component.Name, err))
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
	for name := range r.parts {
		errs = append(errs, fmt.Errorf("stopping %s: still running after %s", name, timeout))
	}
	return errors.Join(errs...)
}
