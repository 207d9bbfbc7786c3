package pods

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// syncLoop is the Loop as the engine sees it: its keys are UIDs of pods.
type syncLoop struct{ *Loop }

var _ engine.Loop[types.UID, *World, *actor] = syncLoop{}

// Observe reads all that is known about a pod.
func (l syncLoop) Observe(ctx context.Context, look engine.Look, uid types.UID) (*World, error) {
	if !l.knows(uid) {
		return nil, engine.ErrGone
	}
	tasks := look.Tasks() // before the runtime is read: what tasks did that have ended by now is seen there
	runtime, err := cri.ReadPod(ctx, l.Runtime, l.Agent, string(uid))
	if err != nil {
		return nil, err
	}
	l.Host.ReadTerminationMessages(runtime.Containers)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[uid]
	if w == nil {
		return nil, engine.ErrGone
	}
	l.learn(w, runtime.Sandboxes)
	given, asSpecified := w.given()
	world := &World{
		Pod: given, Resized: w.resized, Gone: w.gone, Orphan: w.orphan, Graceful: l.Graceful, Protects: l.Protect != nil, Predecessor: l.predecessor(w.pod),
		Next: w.next != nil, Preempting: l.preempting(w), Written: w.written, Runtime: runtime, Tasks: tasks, HostIPs: l.HostIPs(), RestLimit: l.RestLimit, Memory: w.memory.copy(),
	}
	if !asSpecified {
		world.Wanted, world.Refused = w.pod, l.refused(uid)
	}
	world.Unassigned, world.Health = !l.Host.Assigned(given), l.Host.Health(given)
	world.Probes = l.probes.Verdicts(uid, world.targets())
	return world, nil
}

// Plan decides what to do next about a pod.
func (syncLoop) Plan(_ types.UID, world *World, now time.Time) *engine.Plan[*actor] {
	return decide(world, now)
}

// Actor acts on the pod that was observed.
func (l syncLoop) Actor(_ types.UID, world *World, turn engine.Turn) *actor {
	return &actor{Loop: l.Loop, world: world, turn: turn}
}

func (l *Loop) knows(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.workers[uid] != nil
}

// describe names the pod of a pass.
func (l *Loop) describe(uid types.UID) (attributes []attribute.KeyValue) {
	l.change(uid, func(w *worker) {
		attributes = []attribute.KeyValue{attribute.String("namespace", w.pod.Namespace), attribute.String("name", w.pod.Name)}
	})
	return attributes
}

// predecessor says whether an older pod of the same name is still there. The lock is held. Only needed where the API
// lets go of a pod before the agent has, and for static pods.
func (l *Loop) predecessor(pod *corev1.Pod) bool {
	if l.Graceful && !status.Static(pod) {
		return false
	}
	for uid, w := range l.workers {
		if uid != pod.UID && (w.gone || w.orphan) && w.pod.Name == pod.Name && w.pod.Namespace == pod.Namespace {
			return true
		}
	}
	return false
}

// targets are the containers to probe: those that run, and whose postStart hook has ended.
func (w *World) targets() []probes.Target {
	var ip string
	if ips := w.podIPs(); len(ips) > 0 {
		ip = ips[0]
	}
	var targets []probes.Target
	for i := range w.Runtime.Containers {
		c := &w.Runtime.Containers[i]
		if spec := w.spec(c.Name); c.Running() && spec != nil && c.Name != w.starting() {
			target := probes.Target{Pod: w.Pod, Container: spec, ID: c.ID, IP: ip, Started: c.Started}
			target.WasStarted, target.WasReady = before(w.Pod, c.ContainerID())
			targets = append(targets, target)
		}
	}
	return targets
}

// before returns what the API server has about a container that runs.
func before(pod *corev1.Pod, id string) (started, ready bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range list {
			if s := &list[i]; s.State.Running != nil && s.ContainerID == id {
				return s.Started != nil && *s.Started, s.Ready
			}
		}
	}
	return false, false
}
