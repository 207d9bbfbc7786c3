package pods

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Options are what the loop of one node needs. All but Clock, Event, Admit and Log must be set.
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
	// Event records an event about a pod or one of its containers; nil records none.
	Event func(pod *corev1.Pod, container, kind, reason, message string)
	// Clock is the real one if nil.
	Clock clock.WithDelayedExecution
	Log   logr.Logger
}

// Loop makes the pods of one node run. It is safe for concurrent use.
type Loop struct {
	Options
	probes   *probes.Manager
	statuses *statuses
	passes   *keyed

	mu      sync.Mutex
	workers map[types.UID]*worker
}

// worker is what the loop knows about one pod.
type worker struct {
	pod          *corev1.Pod
	gone, orphan bool
	memory       Memory
	failures     int
	said         map[string]string
	plan         *Plan

	// interruptStart ends a start that is under way; interruptAct ends whatever is.
	interruptStart, interruptAct context.CancelFunc
}

// New returns a loop without pods.
func New(options Options) *Loop {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	l := &Loop{Options: options, workers: map[types.UID]*worker{}}
	l.passes = newKeyed(options.Clock, l.pass)
	l.statuses = newStatuses(options.API, options.Clock, options.Log)
	l.probes = probes.New(probes.Options{Prober: options.Prober, Clock: options.Clock, Changed: l.Poke, Event: options.Event})
	return l
}

// Run works until ctx ends. Containers go on running after that.
func (l *Loop) Run(ctx context.Context) {
	l.statuses.writes.start(ctx)
	l.passes.start(ctx)
	l.watch(ctx)
	l.passes.wait()
	l.statuses.writes.wait()
	l.probes.Stop()
}

// Set says what a pod of this node looks like now.
func (l *Loop) Set(pod *corev1.Pod) {
	var refused *status.Failure
	l.mu.Lock()
	w := l.workers[pod.UID]
	if w == nil {
		w = &worker{}
		l.workers[pod.UID] = w
		if l.Admit != nil && !status.Terminal(pod.Status.Phase) && len(pod.Status.ContainerStatuses) == 0 && pod.DeletionTimestamp == nil {
			refused = l.Admit(pod, l.others(pod))
		}
	}
	if refused != nil {
		w.memory.Failure = &status.Failure{Reason: refused.Reason, Message: "Pod was rejected: " + refused.Message}
	}
	before := w.pod
	w.pod, w.orphan = pod, false
	if pod.DeletionTimestamp != nil && w.interruptStart != nil {
		w.interruptStart()
	}
	if before != nil && w.interruptAct != nil && shorter(before, pod) {
		w.interruptAct()
	}
	l.mu.Unlock()
	if refused != nil && l.Event != nil {
		l.Event(pod, "", corev1.EventTypeWarning, refused.Reason, refused.Message)
	}
	l.statuses.seen(pod)
	l.passes.kick(pod.UID)
}

// shorter says whether somebody has just asked for an earlier end of a pod that was being stopped already.
func shorter(before, after *corev1.Pod) bool {
	return before.DeletionGracePeriodSeconds != nil && after.DeletionGracePeriodSeconds != nil &&
		*after.DeletionGracePeriodSeconds < *before.DeletionGracePeriodSeconds
}

// others are the pods here that still take up room. The lock is held.
func (l *Loop) others(pod *corev1.Pod) []*corev1.Pod {
	var found []*corev1.Pod
	for uid, w := range l.workers {
		if uid != pod.UID && w.pod != nil && w.memory.Failure == nil && !status.Terminal(w.pod.Status.Phase) {
			found = append(found, w.pod)
		}
	}
	return found
}

// Remove says that the API server does not have the pod any more.
func (l *Loop) Remove(uid types.UID) {
	l.mu.Lock()
	w := l.workers[uid]
	if w != nil {
		w.gone = true
		if w.interruptStart != nil {
			w.interruptStart()
		}
	}
	l.mu.Unlock()
	if w != nil {
		l.passes.kick(uid)
	}
}

// Poke asks for a pass about a pod: something about it may have changed. Pods that the loop does not know are left to Adopt.
func (l *Loop) Poke(uid types.UID) {
	l.mu.Lock()
	known := l.workers[uid] != nil
	l.mu.Unlock()
	if known {
		l.passes.kick(uid)
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

// Last returns the latest plan about a pod, or nil.
func (l *Loop) Last(uid types.UID) *Plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.workers[uid]; w != nil {
		return w.plan
	}
	return nil
}

// retryFirst and retryMost bound the wait after a pass that failed.
const (
	retryFirst = time.Second
	retryMost  = 16 * time.Second
)
