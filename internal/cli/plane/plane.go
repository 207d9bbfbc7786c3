package plane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

const (
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
)

// Component is one part of a control plane.
type Component struct {
	// Name is what people know it by: "scheduler".
	Name string
	// Needs are the names of the components that must run before it starts, and until it has stopped.
	Needs []string
	// Vital ends the whole plane when the component fails, at any time.
	Vital bool
	// Run runs the component until ctx ends, and calls ready once it is of use, with a few words about where or what it
	// is. A return before ctx ends is a failure, also with a nil error.
	Run func(ctx context.Context, ready func(detail string)) error
	// Look is asked for each status, and may add what the component knows of a program that it restarts itself. Nil means that it
	// knows nothing more.
	Look func(*instance.Component)
}

// Plane runs components.
type Plane struct {
	components []Component
	changed    func(instance.Component)
	now        func() time.Time

	mu     sync.Mutex
	states map[string]*state
}

// state is how a component is, and the two moments that others wait for.
type state struct {
	instance.Component
	running chan struct{} // closed when it first ran
	stopped chan struct{} // closed when it has ended for good
}

// New is a plane of components, in the order in which people shall see them. changed is called with each change of a
// component's state, one call at a time; nil means that nobody watches.
func New(components []Component, changed func(instance.Component)) (*Plane, error) {
	if changed == nil {
		changed = func(instance.Component) {}
	}
	p := &Plane{components: components, changed: changed, now: time.Now, states: map[string]*state{}}
	for _, c := range components {
		for _, need := range c.Needs {
			if p.states[need] == nil {
				return nil, fmt.Errorf("component %s needs %s, which does not stand before it", c.Name, need)
			}
		}
		p.states[c.Name] = &state{
			Component: instance.Component{Name: c.Name, State: instance.Waiting, Since: p.now()},
			running:   make(chan struct{}),
			stopped:   make(chan struct{}),
		}
	}
	return p, nil
}

// Status is how the components are.
func (p *Plane) Status() []instance.Component {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := make([]instance.Component, 0, len(p.components))
	for _, c := range p.components {
		now := p.states[c.Name].Component
		if c.Look != nil {
			c.Look(&now)
		}
		status = append(status, now)
	}
	return status
}

// Run runs the components until ctx ends or one fails that ends the plane, and calls ready once when all run. It returns
// when all have stopped, with the error of the one that ended it.
func (p *Plane) Run(ctx context.Context, ready func()) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var wait sync.WaitGroup
	for _, c := range p.components {
		wait.Go(func() {
			defer close(p.states[c.Name].stopped)
			if err := p.supervise(ctx, c); err != nil {
				end(fmt.Errorf("%s: %w", c.Name, err))
			}
		})
	}
	wait.Go(func() {
		for _, c := range p.components {
			select {
			case <-p.states[c.Name].running:
			case <-ctx.Done():
				return
			}
		}
		ready()
	})
	wait.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// supervise runs a component while ctx lasts, and after that until all that need it have stopped. An error ends the plane.
func (p *Plane) supervise(ctx context.Context, c Component) error {
	for _, need := range c.Needs {
		select {
		case <-p.states[need].running:
		case <-ctx.Done():
			p.set(c.Name, instance.Stopped, nil)
			return nil
		}
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		<-ctx.Done()
		p.dependentsStopped(c.Name)
		stop()
	}()
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		err := p.once(running, c)
		if running.Err() != nil {
			p.set(c.Name, instance.Stopped, err)
			return nil
		}
		p.set(c.Name, instance.Failed, err)
		if c.Vital || !p.ranBefore(c.Name) {
			return err
		}
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			p.set(c.Name, instance.Stopped, nil)
			return nil
		}
	}
}

// once runs a component one time. A panic is its error.
func (p *Plane) once(ctx context.Context, c Component) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	p.set(c.Name, instance.Starting, nil)
	err = c.Run(ctx, func(detail string) { p.setRunning(c.Name, detail) })
	if err == nil && ctx.Err() == nil {
		err = errors.New("ended without a reason")
	}
	return err
}

func (p *Plane) dependentsStopped(name string) {
	for _, c := range p.components {
		if slices.Contains(c.Needs, name) {
			<-p.states[c.Name].stopped
		}
	}
}

func (p *Plane) ranBefore(name string) bool {
	select {
	case <-p.states[name].running:
		return true
	default:
		return false
	}
}

func (p *Plane) setRunning(name, detail string) {
	p.change(name, func(s *state) {
		s.State, s.Detail = instance.Running, detail
		if !isClosed(s.running) {
			close(s.running)
		}
	})
}

func (p *Plane) set(name string, to instance.State, err error) {
	p.change(name, func(s *state) {
		if to == instance.Starting && s.State == instance.Failed {
			s.Restarts++
		}
		s.State = to
		if err != nil && !errors.Is(err, context.Canceled) {
			s.LastError = err.Error()
		}
	})
}

func (p *Plane) change(name string, how func(*state)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.states[name]
	how(s)
	s.Since = p.now()
	p.changed(s.Component)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
