package pods

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
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
		if err := l.Host.Forget(world.Pod); err != nil {
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

// observe reads all that is known about a pod. The world is nil when there is nothing to decide about.
func (l *Loop) observe(ctx context.Context, uid types.UID) (*World, error) {
	runtime, err := cri.ReadPod(ctx, l.Runtime, l.Agent, string(uid))
	if err != nil {
		return nil, err
	}
	l.Host.Finish(runtime.Containers)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[uid]
	if w == nil {
		return nil, nil
	}
	world := &World{
		Pod: w.pod, Gone: w.gone, Orphan: w.orphan, Graceful: l.Graceful, Predecessor: l.predecessor(w.pod),
		Runtime: runtime, HostIPs: l.HostIPs(), Memory: w.memory.copy(),
	}
	if !w.orphan {
		world.Probes = l.probes.Sync(uid, world.targets())
	}
	return world, nil
}

// predecessor says whether an older pod of the same name is still there. The lock is held. Only needed where the API
// lets go of a pod before the agent has.
func (l *Loop) predecessor(pod *corev1.Pod) bool {
	if l.Graceful {
		return false
	}
	for uid, w := range l.workers {
		if uid != pod.UID && (w.gone || w.orphan) && w.pod.Name == pod.Name && w.pod.Namespace == pod.Namespace {
			return true
		}
	}
	return false
}

// targets are the running containers, for the probes.
func (w *World) targets() []probes.Target {
	specs := map[string]*corev1.Container{}
	for i := range w.Pod.Spec.Containers {
		specs[w.Pod.Spec.Containers[i].Name] = &w.Pod.Spec.Containers[i]
	}
	for i := range w.Pod.Spec.InitContainers {
		specs[w.Pod.Spec.InitContainers[i].Name] = &w.Pod.Spec.InitContainers[i]
	}
	for i := range w.Pod.Spec.EphemeralContainers {
		spec := (*corev1.Container)(&w.Pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		specs[spec.Name] = spec
	}
	var ip string
	if ips := w.podIPs(); len(ips) > 0 {
		ip = ips[0]
	}
	var targets []probes.Target
	for i := range w.Runtime.Containers {
		c := &w.Runtime.Containers[i]
		if spec := specs[c.Name]; c.Running() && spec != nil {
			target := probes.Target{Pod: w.Pod, Container: spec, ID: c.ID, IP: ip, Started: c.Started}
			target.WasStarted, target.WasReady = before(w.Pod, c.ID)
			targets = append(targets, target)
		}
	}
	return targets
}

// before returns what the API server has about a container that runs.
func before(pod *corev1.Pod, id string) (started, ready bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if s := &list[i]; s.State.Running != nil && s.ContainerID == "containerd://"+id {
				return s.Started != nil && *s.Started, s.Ready
			}
		}
	}
	return false, false
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

// orphanOf is the pod of a sandbox that nobody knows, as far as the sandbox tells.
func orphanOf(labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: labels[cri.LabelPodName], Namespace: labels[cri.LabelPodNamespace], UID: types.UID(labels[cri.LabelPodUID]),
	}}
}
