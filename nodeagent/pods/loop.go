package pods

import (
	"context"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Options are what the loop of one node needs. All but Clock, Event, Admit, Protect and Log must be set.
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
	// Protect returns when network policies hold for a pod at its addresses; no container of it starts before. Nil holds none back.
	Protect func(ctx context.Context, pod *corev1.Pod, ips []string) error
	// Event records an event about a pod or one of its containers; nil records none.
	Event func(pod *corev1.Pod, container, kind, reason, message string)
	// Clock is the real one if nil.
	Clock clock.WithTickerAndDelayedExecution
	Log   logr.Logger
}

// Loop makes the pods of one node run. It is safe for concurrent use.
type Loop struct {
	Options
	probes *probes.Manager
	engine *engine.Engine[types.UID, *World, *actor]

	mu      sync.Mutex
	workers map[types.UID]*worker
	// begun: the pods that were there when the agent was started have been judged.
	begun bool
}

// worker is what the loop knows about one pod.
type worker struct {
	pod          *corev1.Pod
	gone, orphan bool
	// written is the status that the API server is known to have.
	written *corev1.PodStatus
	memory  Memory
	// admitted: it was let in, or has run before.
	admitted bool
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
	l.engine = engine.New(syncLoop{l}, engine.Options[types.UID]{
		Name: name, Clock: options.Clock, Registerer: metrics.Registry, Describe: l.describe, Log: options.Log,
	})
	l.probes = probes.New(probes.Options{Prober: options.Prober, Clock: options.Clock, Changed: l.Wake, Event: options.Event})
	return l
}

// name is the loop's in metrics, spans and logs, the same on each of many nodes.
const name = "pods"

// Run works until ctx ends. Containers go on running after that.
func (l *Loop) Run(ctx context.Context) {
	l.begin(ctx)
	var passes sync.WaitGroup
	passes.Go(func() { l.engine.Run(ctx) })
	l.watch(ctx)
	passes.Wait()
	l.probes.Stop()
}

// Wake asks for a pass about a pod: something about it may have changed. Pods that the loop does not know are left to
// CleanUpOrphanedPods.
func (l *Loop) Wake(uid types.UID) { l.engine.Wake(uid) }

// Set says what a pod of this node looks like now.
func (l *Loop) Set(pod *corev1.Pod) {
	l.mu.Lock()
	w := l.workers[pod.UID]
	ended := w != nil && !status.Terminal(w.pod.Status.Phase) && status.Terminal(pod.Status.Phase)
	if w == nil {
		w = &worker{pod: pod}
		l.workers[pod.UID] = w
		l.recall(w)
	}
	w.admitted = w.admitted || w.orphan // it runs here already
	// What the API server has need not be what was written: the pods of a node that falls silent, for one, are made not
	// ready by others. The next pass puts that right.
	w.pod, w.written, w.orphan = pod, &pod.Status, false
	begun := l.begun
	l.mu.Unlock()
	if begun {
		l.judge(w)
	}
	if ended {
		l.wakePending()
	}
	l.Wake(pod.UID)
}

// evicted is the kubelet's reason for a pod that was ended because of what it used.
const evicted = "Evicted"

// Evict fails a pod, and ends it at once.
func (l *Loop) Evict(uid types.UID, message string) {
	var pod *corev1.Pod
	l.change(uid, func(w *worker) {
		if w.memory.Failure == nil {
			pod, w.memory.Failure = w.pod, &status.Failure{Reason: evicted, Message: message}
		}
	})
	if pod == nil {
		return
	}
	if l.Event != nil {
		l.Event(pod, "", corev1.EventTypeWarning, evicted, message)
	}
	l.Wake(uid)
	l.wakePending()
}

// Remove says that the API server does not have the pod any more.
func (l *Loop) Remove(uid types.UID) {
	l.change(uid, func(w *worker) { w.gone = true })
	l.Wake(uid)
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
	for _, uid := range waiting {
		l.Wake(uid)
	}
}
