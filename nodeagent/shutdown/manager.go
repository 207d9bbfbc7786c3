package shutdown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// The kubelet's words for a pod that is not let in, and for the node's events.
const (
	refusedReason  = "NodeShutdown"
	refusedMessage = "Pod was rejected as the node is shutting down."
	eventReason    = "Shutdown"
)

// errShuttingDown is what the Node says.
var errShuttingDown = errors.New("node is shutting down")

// Inhibitor is who can hold a machine's shutdown back.
type Inhibitor interface {
	// Delay is how long it lets others hold a shutdown back at most, and RaiseDelay asks for more.
	Delay(ctx context.Context) (time.Duration, error)
	RaiseDelay(ctx context.Context, d time.Duration) error
	// Inhibit holds the next shutdown back until what it returns is closed.
	Inhibit(ctx context.Context) (io.Closer, error)
	// Shutdowns tells when the machine is about to go down (true), and when it is not after all. It is closed when nothing more is heard.
	Shutdowns(ctx context.Context) (<-chan bool, error)
	Close() error
}

// Options are what a Manager needs. Clock and Log may be left out.
type Options struct {
	// Ranges are those of RangesOf; one at least.
	Ranges []Range
	// Connect reaches the inhibitor of the machine. ErrNone says that it has none.
	Connect func(ctx context.Context) (Inhibitor, error)
	// Pods are those of the node, Ended says whether nothing of one runs any more, and End has one end.
	Pods  func() []*corev1.Pod
	Ended func(uid types.UID) bool
	End   func(uid types.UID, e pods.Eviction) bool
	// Tell has the control plane know at once that the node begins or ends to be shutting down.
	Tell      func(ctx context.Context) error
	NodeEvent func(kind, reason, message string)
	Clock     clock.WithTickerAndDelayedExecution
	Log       logr.Logger
}

// ErrNone says that nothing on this machine can hold its shutdown back.
var ErrNone = errors.New("there is no logind on this machine")

// Manager ends the pods of one node before its machine goes down.
type Manager struct {
	Options
	engine *engine.Engine[engine.One, World, *Manager]

	telling sync.WaitGroup

	mu    sync.Mutex
	since time.Time
	lock  io.Closer
}

var _ engine.Loop[engine.One, World, *Manager] = (*Manager)(nil)

// New returns a manager that holds nothing back.
func New(o Options) *Manager {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	m := &Manager{Options: o}
	m.engine = engine.New(m, engine.Options[engine.One]{Name: "shutdown", Clock: o.Clock, Registerer: metrics.Registry, Log: o.Log})
	return m
}

// Observe looks which pods there are.
func (m *Manager) Observe(_ context.Context, look engine.Look, key engine.One) (World, error) {
	w := World{Ranges: m.Ranges, Since: m.shuttingDownSince()}
	w.Memory, _ = look.Remembered(key).(Memory)
	if w.Since.IsZero() {
		return w, nil
	}
	for _, pod := range m.Pods() {
		if !status.Terminal(pod.Status.Phase) && !m.Ended(pod.UID) {
			w.Pods = append(w.Pods, pod)
		}
	}
	return w, nil
}

// Plan decides what to do next.
func (m *Manager) Plan(_ engine.One, w World, now time.Time) *engine.Plan[*Manager] {
	return decide(w, now)
}

// Actor is the manager itself.
func (m *Manager) Actor(engine.One, World, engine.Turn) *Manager { return m }

// Inspector shows what would be done next, and what was done last.
func (m *Manager) Inspector() engine.Inspector { return engine.Inspect(m.engine, engine.ParseOne) }

// Status is why the node is not ready; nil while its machine does not go down.
func (m *Manager) Status() error {
	if m.shuttingDownSince().IsZero() {
		return nil
	}
	return errShuttingDown
}

// Admit lets no pod in while the machine goes down.
func (m *Manager) Admit(*corev1.Pod, []*corev1.Pod) *status.Failure {
	if m.Status() == nil {
		return nil
	}
	return &status.Failure{Reason: refusedReason, Message: refusedMessage}
}

func (m *Manager) shuttingDownSince() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.since
}

// set says whether the machine goes down.
func (m *Manager) set(ctx context.Context, down bool) {
	m.mu.Lock()
	switch {
	case !down:
		m.since = time.Time{}
	case m.since.IsZero():
		m.since = m.Clock.Now()
	}
	m.mu.Unlock()
	what := "cancellation"
	if down {
		what = "event"
	}
	m.NodeEvent(corev1.EventTypeNormal, eventReason, "Shutdown manager detected shutdown "+what)
	m.telling.Go(func() {
		if err := m.Tell(ctx); err != nil && ctx.Err() == nil {
			m.Log.Error(err, "Telling that the machine goes down, or does not after all")
		}
	})
	m.engine.Wake(engine.One{})
}

// hold keeps a new lock in the place of the one before.
func (m *Manager) hold(lock io.Closer) error {
	m.mu.Lock()
	before := m.lock
	m.lock = lock
	m.mu.Unlock()
	if before == nil {
		return nil
	}
	return before.Close()
}

// release lets go of the lock.
func (m *Manager) release() error {
	if err := m.hold(nil); err != nil {
		return fmt.Errorf("letting the machine go down: %w", err)
	}
	return nil
}
