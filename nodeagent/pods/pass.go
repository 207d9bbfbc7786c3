package pods

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// pass observes, decides and acts once. It returns when to come back.
func (l *Loop) pass(ctx context.Context, uid types.UID) time.Duration {
	world, err := l.observe(ctx, uid)
	if world == nil {
		return l.retry(uid, err)
	}
	plan := Decide(world, l.Clock.Now())
	if !l.keep(uid, world, plan) {
		return 0
	}
	if plan.Forget {
		if err := l.Host.RemoveLogs(world.Pod); err != nil {
			return l.retry(uid, err)
		}
		l.forget(uid)
		return 0
	}
	acted, err := l.act(ctx, uid, world, plan)
	if err != nil {
		return l.retry(uid, err)
	}
	l.mu.Lock()
	if w := l.workers[uid]; w != nil {
		w.failures = 0
	}
	l.mu.Unlock()
	if acted {
		l.passes.kick(uid) // see at once what has become of it
		return 0
	}
	return plan.After
}

// keep remembers the plan and hands the status on. It returns false when the pod has been forgotten meanwhile.
func (l *Loop) keep(uid types.UID, world *World, plan *Plan) bool {
	l.mu.Lock()
	w := l.workers[uid]
	if w == nil {
		l.mu.Unlock()
		return false
	}
	w.plan = plan
	if plan.Failure != nil {
		w.memory.Failure = plan.Failure
	}
	if plan.Stopping && w.memory.Stopping.IsZero() {
		w.memory.Stopping = l.Clock.Now()
	}
	w.memory.Status = plan.Status
	var events []Event
	for _, event := range plan.Events {
		if w.said[event.Container+event.Reason] != event.key(world) {
			put(&w.said, event.Container+event.Reason, event.key(world))
			events = append(events, event)
		}
	}
	l.mu.Unlock()
	if plan.Status != nil && !world.Gone {
		l.statuses.set(world.Pod, plan.Status)
	}
	for _, event := range events {
		if l.Event != nil {
			l.Event(world.Pod, event.Container, event.Type, event.Reason, event.Message)
		}
	}
	return true
}

// key tells events apart that are to be recorded again: those about another instance of the container.
func (e Event) key(w *World) string {
	restarts := int32(0)
	if c := w.Runtime.Latest(e.Container); c != nil {
		restarts = c.Restarts
	}
	return fmt.Sprint(e.Message, restarts, len(w.Runtime.Sandboxes))
}

// act does the steps of a plan, up to the first that fails.
func (l *Loop) act(ctx context.Context, uid types.UID, world *World, plan *Plan) (bool, error) {
	if len(plan.Steps) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.change(uid, func(w *worker) { w.interruptAct = cancel })
	defer l.change(uid, func(w *worker) { w.interruptAct = nil })
	a := &actor{
		Options: &l.Options, world: world, statuses: l.statuses, clock: l.Clock,
		remember: func(change func(*Memory)) { l.change(uid, func(w *worker) { change(&w.memory) }) },
		starting: func() (context.Context, func()) { return l.starting(ctx, uid) },
	}
	for _, step := range plan.Steps {
		l.Log.V(1).Info("Acting on a pod", "pod", name(world.Pod), "step", step.Why())
		if err := step.do(ctx, a); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (l *Loop) change(uid types.UID, change func(*worker)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.workers[uid]; w != nil {
		change(w)
	}
}

// starting returns a context for a start, which ends when the pod is asked to stop.
func (l *Loop) starting(ctx context.Context, uid types.UID) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	l.change(uid, func(w *worker) {
		w.interruptStart = cancel
		if w.gone || w.pod.DeletionTimestamp != nil {
			cancel()
		}
	})
	return ctx, func() {
		l.change(uid, func(w *worker) { w.interruptStart = nil })
		cancel()
	}
}

// retry says when to come back after a pass that failed.
func (l *Loop) retry(uid types.UID, err error) time.Duration {
	if err == nil {
		return 0
	}
	wait := retryFirst
	l.change(uid, func(w *worker) {
		wait = min(retryFirst<<min(w.failures, 10), retryMost)
		w.failures++
	})
	l.Log.Error(err, "A pass failed", "uid", uid, "again", wait)
	return wait
}

func (l *Loop) forget(uid types.UID) {
	l.mu.Lock()
	w := l.workers[uid]
	delete(l.workers, uid)
	var waiting []types.UID
	for other, candidate := range l.workers {
		if w != nil && candidate.pod.Name == w.pod.Name && candidate.pod.Namespace == w.pod.Namespace {
			waiting = append(waiting, other)
		}
	}
	l.mu.Unlock()
	l.probes.Sync(uid, nil)
	l.statuses.forget(uid)
	l.passes.drop(uid)
	for _, other := range waiting {
		l.passes.kick(other)
	}
}

// copy returns a memory that no step can change.
func (m *Memory) copy() Memory {
	c := *m
	c.Starts, c.Crashes, c.Pulls = clone(m.Starts), clone(m.Crashes), clone(m.Pulls)
	return c
}

func clone[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	c := make(map[string]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}
