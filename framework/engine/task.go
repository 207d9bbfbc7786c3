package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Task is a step that takes long, as pulling an image or waiting for a container to stop does. A pass begins it and goes on;
// further passes of the key see that it is under way ([Look.UnderWay]) and do not begin it again; nor does a pass in which
// it ends, for what it did was not observed yet. When it ends, the loop is woken. A task that a plan does not want any more
// has its context cancelled, and stays under way until it returns.
//
// A task that failed is begun again after a back-off, if it is still wanted then: no other step waits for that. What one task
// must wait for is for the plan to say: it has no order among those that are under way.
type Task[A any] interface {
	Step[A]

	// Task says which task of its key it is. One that is to be done in another way, as with a shorter grace, is another task.
	Task() string
}

// task is one that is under way, or failed and is still wanted.
type task struct {
	callOff  context.CancelFunc
	running  bool
	failures int
	notYet   time.Time // before then it is not tried again
}

// wantedTasks are the names of the tasks in a plan.
func (p *Plan[A]) wantedTasks() map[string]bool {
	wanted := map[string]bool{}
	for _, step := range p.All() {
		if task, ok := step.(Task[A]); ok {
			wanted[task.Task()] = true
		}
	}
	return wanted
}

// callOffAllBut ends the tasks that nobody wants any more.
func (m *memory) callOffAllBut(wanted map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, t := range m.tasks {
		switch {
		case wanted[name]:
		case t.running:
			t.callOff()
		default:
			delete(m.tasks, name)
		}
	}
}

func (m *memory) underWay(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tasks[name]
	return t != nil && t.running
}

// running are the names of the tasks that are under way, sorted.
func (m *memory) running() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, t := range m.tasks {
		if t.running {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// begin begins a task, unless it is under way or was when the pass began. It says when to look again if the task failed and
// has to wait.
func (e *Engine[K, W, A]) begin(ctx context.Context, key K, step Task[A], actor A, m *memory) *Again {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := step.Task()
	t := m.tasks[name]
	if t == nil {
		t = &task{}
		if m.tasks == nil {
			m.tasks = map[string]*task{}
		}
		m.tasks[name] = t
	}
	now := e.options.Clock.Now()
	switch {
	case t.running, slices.Contains(m.before, name):
		return nil
	case now.Before(t.notYet):
		return &Again{After: t.notYet.Sub(now), Why: "then " + name + " is tried again"}
	}
	// The task outlives the pass that begins it, and its span; what else the context carries it keeps.
	ctx, t.callOff = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(e.running(), t.callOff)
	t.running = true
	ended := e.options.Begun(key, name)
	e.tasks.Go(func() {
		defer ended()
		defer stop()
		err := e.guarded(func() error { return e.take(ctx, step, nil, actor, nil) })
		e.ended(ctx, key, step, m, t, err)
	})
	return nil
}

// ended notes how a task ended, and wakes its loop.
func (e *Engine[K, W, A]) ended(ctx context.Context, key K, step Task[A], m *memory, t *task, err error) {
	calledOff := ctx.Err() != nil
	t.callOff()
	outcome := e.options.Judge.judge(err)
	m.mu.Lock()
	t.running = false
	switch {
	case calledOff || outcome.Err == nil && outcome.After == 0 && !outcome.again:
		delete(m.tasks, step.Task())
	default:
		wait := outcome.After
		if wait == 0 {
			wait = backOff(e.options.FirstBackOff, e.options.LongestBackOff, t.failures)
			t.failures++
		}
		t.notYet = e.options.Clock.Now().Add(wait)
	}
	m.mu.Unlock()
	if !calledOff && err != nil {
		e.note(key, m, e.options.Clock.Now(), Sentence[A](step), err)
		if outcome.Err != nil {
			e.options.Log.Error(err, "A task of a loop failed", "loop", e.options.Name, "key", fmt.Sprint(key), "task", step.Task())
		}
	}
	e.Wake(key)
}
