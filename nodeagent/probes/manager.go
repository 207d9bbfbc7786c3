package probes

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/framework/activity"
)

// Target is the container to ask.
type Target struct {
	Pod       *corev1.Pod
	Container *corev1.Container
	// ID is the container's in the runtime.
	ID string
	// IP is the pod's address, or the node's for a pod on the host's network.
	IP string
	// Started is when the container started.
	Started time.Time
	// WasStarted and WasReady are what an agent before this one had found. They stand until the probe is asked again.
	WasStarted, WasReady bool
}

// Prober asks once. A nil error is success; the error's text goes into the event.
type Prober interface {
	Probe(ctx context.Context, target Target, probe *corev1.Probe) error
}

// Options configure a Manager.
type Options struct {
	Prober Prober
	// Clock is the real one if nil.
	Clock clock.WithDelayedExecution
	// Activity is told of probes that are under way; nil tells nobody.
	Activity *activity.Tracker
	// Changed is called when a verdict about a container of the pod changed. It must not block.
	Changed func(pod types.UID)
	// Event records an event about a container; nil records none.
	Event func(pod *corev1.Pod, container, kind, reason, message string)
}

// Manager probes the running containers of one node. It is safe for concurrent use.
type Manager struct {
	options Options

	mu      sync.Mutex
	workers map[types.UID]map[string]*worker
}

// worker is one container that has probes.
type worker struct {
	target   Target
	counters map[Kind]Counter
	last     map[Kind]time.Time
	timers   map[Kind]clock.Timer
	asking   map[Kind]bool
	results  map[Kind]*Results
	stopped  bool
}

// New returns a manager that probes nothing yet.
func New(options Options) *Manager {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Event == nil {
		options.Event = func(*corev1.Pod, string, string, string, string) {}
	}
	return &Manager{options: options, workers: map[types.UID]map[string]*worker{}}
}

// Sync says which containers of a pod run now. Containers that are not named any more are not probed any more. The call does
// not ask; it only schedules.
func (m *Manager) Sync(pod types.UID, running []Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.workers[pod]
	var kept map[string]*worker
	for _, target := range running {
		if !probed(target.Container) {
			continue
		}
		w := old[target.ID]
		if w == nil {
			w = newWorker(target)
		}
		w.target = target
		m.schedule(w)
		if kept == nil {
			kept = map[string]*worker{}
		}
		kept[target.ID] = w
	}
	for id, w := range old {
		if kept[id] == nil {
			w.stop()
		}
	}
	if kept == nil {
		delete(m.workers, pod)
	} else {
		m.workers[pod] = kept
	}
}

// Verdicts returns what is known about the running containers of a pod, by container ID. Of one that Sync has not named yet that
// is what an agent before this one had found.
func (m *Manager) Verdicts(pod types.UID, running []Target) map[string]Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	verdicts := make(map[string]Verdict, len(running))
	for _, target := range running {
		w := m.workers[pod][target.ID]
		if w == nil {
			w = newWorker(target)
		}
		verdicts[target.ID] = Judge(target.Container, w.counters)
	}
	return verdicts
}

func newWorker(target Target) *worker {
	return &worker{
		counters: map[Kind]Counter{Startup: {Passed: target.WasStarted}, Readiness: {Passed: target.WasReady}},
		last:     map[Kind]time.Time{}, timers: map[Kind]clock.Timer{}, asking: map[Kind]bool{}, results: map[Kind]*Results{},
	}
}

func probed(spec *corev1.Container) bool {
	return spec.StartupProbe != nil || spec.LivenessProbe != nil || spec.ReadinessProbe != nil
}

func (w *worker) stop() {
	w.stopped = true
	for _, timer := range w.timers {
		timer.Stop()
	}
}

// schedule sets the timers that are not set. Liveness and readiness wait for the startup probe, and a startup probe
// that passed is not asked again. The lock is held.
func (m *Manager) schedule(w *worker) {
	for _, kind := range []Kind{Startup, Liveness, Readiness} {
		probe := of(w.target.Container, kind)
		started := w.target.Container.StartupProbe == nil || w.counters[Startup].Passed
		if probe == nil || w.asking[kind] || w.timers[kind] != nil || started == (kind == Startup) {
			continue
		}
		wait := max(Next(probe, w.target.Started, w.last[kind]).Sub(m.options.Clock.Now()), 0)
		begin := func() (end func()) {
			return m.options.Activity.Begin(fmt.Sprintf("the %s probe of container %s", kind, w.target.ID))
		}
		if wait == 0 {
			begun := begin()
			begin = func() func() { return begun }
		}
		w.timers[kind] = m.options.Clock.AfterFunc(wait, func() {
			end := begin()
			go func() {
				defer end()
				m.doProbe(w, kind, probe)
			}()
		})
	}
}

func (m *Manager) doProbe(w *worker, kind Kind, probe *corev1.Probe) {
	m.mu.Lock()
	if w.stopped || w.asking[kind] {
		m.mu.Unlock()
		return
	}
	delete(w.timers, kind)
	w.last[kind] = m.options.Clock.Now()
	target := w.target
	if target.IP == "" && addressed(probe) { // its sandbox is gone: there is nobody to ask
		m.schedule(w)
		m.mu.Unlock()
		return
	}
	w.asking[kind] = true
	m.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), timeout(probe))
	err := m.options.Prober.Probe(ctx, target, probe)
	cancel()
	m.record(w, kind, probe, err)
}

func (m *Manager) record(w *worker, kind Kind, probe *corev1.Probe, err error) {
	m.mu.Lock()
	w.asking[kind] = false
	if w.stopped {
		m.mu.Unlock()
		return
	}
	before := Judge(w.target.Container, w.counters)
	w.counters[kind] = w.counters[kind].Record(probe, err == nil)
	if w.results[kind] == nil {
		w.results[kind] = &Results{}
	}
	w.results[kind].count(err == nil)
	changed := before != Judge(w.target.Container, w.counters)
	target := w.target
	m.schedule(w)
	m.mu.Unlock()
	if err != nil {
		m.options.Event(target.Pod, target.Container.Name, corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %v", kind, err))
	}
	if changed {
		m.options.Changed(target.Pod.UID)
	}
}

// addressed says whether a probe goes to the address of the pod.
func addressed(probe *corev1.Probe) bool {
	switch {
	case probe.HTTPGet != nil:
		return probe.HTTPGet.Host == ""
	case probe.TCPSocket != nil:
		return probe.TCPSocket.Host == ""
	default:
		return probe.GRPC != nil
	}
}

// Stop ends all probing.
func (m *Manager) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for pod, workers := range m.workers {
		for _, w := range workers {
			w.stop()
		}
		delete(m.workers, pod)
	}
}
