package pods

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/queue"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/restart"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Options are what the loop of one node needs. All but Clock, Activity, Event, Admit, Infeasible, Preempt, Forbid, Protect, StaticChanged and Log
// must be set.
type Options struct {
	// Agent marks the sandboxes of this loop: the node's name.
	Agent   string
	Runtime cri.Runtime
	Host    Host
	Hooks   Hooks
	API     API
	// Prober asks the probes of containers.
	Prober probes.Prober
	// HostIPs returns the node's addresses.
	HostIPs func() []string
	// Graceful: the API keeps a deleted pod until it is removed. See the package's page.
	Graceful bool
	// Admit refuses a pod that cannot run here; nil refuses none. others are the pods that are here already.
	Admit func(pod *corev1.Pod, others []*corev1.Pod) *status.Failure
	// Infeasible says why a pod cannot be resized from what it was allocated to what it wants, whatever there is room for; "" if it can. Nil
	// refuses none.
	Infeasible func(wanted, allocated *corev1.Pod) string
	// Preempt says which of the others are to end so that a critical pod has room that Admit refuses; none if that would not do. Nil ends
	// none.
	Preempt func(pod *corev1.Pod, others []*corev1.Pod) []*corev1.Pod
	// StaticChanged is told that a static pod of a name came, went, or has ended; nil tells nobody. It must not block.
	StaticChanged func(name types.NamespacedName)
	// Forbid refuses a pod for what it would be allowed to do, whenever it is seen: also one that has changed, that runs already, or whose
	// status says so. Nil refuses none.
	Forbid func(pod *corev1.Pod) *status.Failure
	// Protect returns when network policies hold for a pod at its addresses; no container of it starts before. Nil holds none back.
	Protect func(ctx context.Context, pod *corev1.Pod, ips []string) error
	// RestLimit is how long a container rests at most that keeps failing.
	RestLimit restart.Limit
	// Event records an event about a pod or one of its containers; nil records none.
	Event func(pod *corev1.Pod, container, kind, reason, message string)
	// Clock is the real one if nil.
	Clock clock.WithTickerAndDelayedExecution
	// Activity is told of what the loop has due and under way; nil tells nobody.
	Activity *activity.Tracker
	Log      logr.Logger
}

// Loop makes the pods of one node run. It is safe for concurrent use.
type Loop struct {
	Options
	probes *probes.Manager
	engine *engine.Engine[types.UID, *World, *actor]

	mu      sync.Mutex
	workers map[types.UID]*worker
	// recalled: it is known what pods were allocated before the agent was started; static pods are let in from then on.
	recalled bool
	// begun: the pods that were there when the agent was started have been judged.
	begun bool
	// left are sandboxes of static pods that nobody has named yet, by the UID of the pod.
	left map[types.UID]leftover
}

// worker is what the loop knows about one pod.
type worker struct {
	pod          *corev1.Pod
	gone, orphan bool
	// written is the status that the API server is known to have.
	written *corev1.PodStatus
	memory  Memory
	// next is a static pod that is to run again once it has ended; nil if none is.
	next *corev1.Pod
	// judged: it is known whether it is let in. Until then there are no passes about it.
	judged bool
	// admitted: it was let in, or has run before.
	admitted bool
	// awaits are the pods that end to make room for it.
	awaits []types.UID
	// allocated is what the pod may have; nil until that is known.
	allocated *allocation
	// resized is how far its last resize has come; nil if there was none.
	resized *checkpoint
}

// New returns a loop without pods.
func New(options Options) *Loop {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	l := &Loop{Options: options, workers: map[types.UID]*worker{}}
	engineOptions := engine.Options[types.UID]{
		Name: name, Clock: options.Clock, Registerer: metrics.Registry, Describe: l.describe, Log: options.Log,
	}
	if options.Activity != nil {
		l.tellOf(&engineOptions)
	}
	l.engine = engine.New(syncLoop{l}, engineOptions)
	l.probes = probes.New(probes.Options{
		Prober: options.Prober, Clock: options.Clock, Activity: options.Activity, Changed: l.Wake, Event: options.Event,
	})
	return l
}

// name is the loop's in metrics, spans and logs, the same on each of many nodes.
const name = "pods"

// tellOf has the engine tell of what it has due and under way.
func (l *Loop) tellOf(o *engine.Options[types.UID]) {
	of := name + " of " + l.Agent
	o.Queue = queue.New[types.UID](queue.Options{Name: of, Tracker: l.Activity, Clock: l.Clock})
	o.Begun = func(pod types.UID, task string) func() {
		return l.Activity.Begin(fmt.Sprintf("%s %s: %s", of, pod, task))
	}
}

// Run works until ctx ends. Containers go on running after that. known is closed when all pods of the API have been Set: static pods run
// before, and the others are let in then.
func (l *Loop) Run(ctx context.Context, known <-chan struct{}) {
	l.beginStatic(ctx)
	var passes sync.WaitGroup
	passes.Go(func() { l.engine.Run(ctx) })
	passes.Go(func() {
		select {
		case <-ctx.Done():
		case <-known:
			l.begin(ctx)
		}
	})
	l.watch(ctx)
	passes.Wait()
	l.probes.Stop()
}

// Wake asks for a pass about a pod: something about it may have changed. Pods that the loop does not know are left to
// CleanUpOrphanedPods.
func (l *Loop) Wake(uid types.UID) {
	held := false
	l.change(uid, func(w *worker) { held = !w.judged && !w.gone && !w.orphan })
	if !held {
		l.engine.Wake(uid)
	}
}

// Set says what a pod of this node looks like now.
func (l *Loop) Set(pod *corev1.Pod) {
	static := status.Static(pod)
	if static {
		defer l.tellStatic(pod)
	}
	l.mu.Lock()
	w := l.workers[pod.UID]
	if w != nil && w.gone && static {
		w.next = pod
		l.mu.Unlock()
		return
	}
	ended := w != nil && !status.Terminal(w.pod.Status.Phase) && status.Terminal(pod.Status.Phase)
	if w == nil {
		w = &worker{pod: pod}
		l.workers[pod.UID] = w
		l.recall(w)
	}
	w.admitted = w.admitted || w.orphan // it runs here already
	// What the API server has need not be what was written: the pods of a node that falls silent, for one, are made not
	// ready by others. The next pass puts that right.
	w.pod, w.orphan = pod, false
	if !static { // which the API server has only as its mirror: see Mirrored
		w.written = &pod.Status
	}
	begun, forbidden := l.begun || static && l.recalled, l.forbid(w)
	l.mu.Unlock()
	l.tellRejected(pod, forbidden)
	if begun {
		l.judge(w)
	}
	if ended {
		l.wakePending()
	}
	l.Wake(pod.UID)
}

// Remove says that the API server does not have the pod any more.
func (l *Loop) Remove(uid types.UID) {
	var pod *corev1.Pod
	l.change(uid, func(w *worker) { w.gone, w.next, pod = true, nil, w.pod })
	l.Wake(uid)
	if pod != nil && status.Static(pod) {
		l.tellStatic(pod)
	}
}

// Pods returns the pods which the loop knows, each with the status that was computed last. Orphans are not among them.
func (l *Loop) Pods() []*corev1.Pod {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]*corev1.Pod, 0, len(l.workers))
	for _, w := range l.workers {
		if w.orphan {
			continue
		}
		pod := w.pod
		if w.memory.Status != nil {
			pod = pod.DeepCopy()
			pod.Status = *w.memory.Status.DeepCopy()
		}
		found = append(found, pod)
	}
	return found
}

// change changes what is known about a pod, unless it has been forgotten.
func (l *Loop) change(uid types.UID, change func(*worker)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.workers[uid]; w != nil {
		change(w)
	}
}

// forget drops a pod of which nothing is left, and lets a pod go on that waits for its name.
func (l *Loop) forget(pod *corev1.Pod) {
	l.mu.Lock()
	delete(l.workers, pod.UID)
	var waiting []types.UID
	for uid, w := range l.workers {
		if w.pod.Name == pod.Name && w.pod.Namespace == pod.Namespace {
			waiting = append(waiting, uid)
		}
	}
	l.mu.Unlock()
	l.probes.Sync(pod.UID, nil)
	l.wakePending()
	if status.Static(pod) {
		l.tellStatic(pod)
	}
	for _, uid := range waiting {
		l.Wake(uid)
	}
}
