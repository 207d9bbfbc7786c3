package engine

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/framework/queue"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"k8s.io/utils/clock"
)

// Loop decides for keys K from worlds W, by steps that are taken with actors A.
type Loop[K comparable, W, A any] interface {
	// Observe reads all that Plan needs to know. Its error ends the pass; [ErrGone] says that the key is about nothing any
	// more. A world that can be planned for although a part of it could not be read holds that fact as a field.
	Observe(ctx context.Context, look Look, key K) (W, error)

	// Plan decides what to do next. It is pure, and does not change the world. Nil is the empty plan.
	Plan(key K, world W, now time.Time) *Plan[A]

	// Actor is what the steps of one pass act with. It is asked for once a pass, also where there are no steps.
	Actor(key K, world W, turn Turn) A
}

// Options are how an engine runs a loop. Only Name is required.
type Options[K comparable] struct {
	// Name names the loop in metrics, spans and logs: lower case, unique within a process.
	Name string
	// Of is the kind of what a key names, as in "Deployment", for people; empty where a key stands for many things.
	Of string
	// Clock is the time that Plan sees, and by which Run waits; nil means the real one.
	Clock clock.WithTickerAndDelayedExecution
	// Judge says what errors of the loop's world mean; nil knows none.
	Judge Judge
	// Registerer takes the metrics; nil drops them. The metrics of all engines of a process are the same few vectors.
	Registerer prometheus.Registerer
	// Describe adds to the span of a pass what its key says; nil adds nothing.
	Describe func(key K) []attribute.KeyValue
	// Passed is told of every pass that planned, with the error of carrying the plan out; nil tells nobody. A plan is
	// handed over as steps, which must not be changed.
	Passed func(key K, plan Decision, err error)
	// Log takes the errors of passes that [Engine.Run] makes, and of tasks.
	Log logr.Logger
	// SideBySide bounds for how many keys Run makes passes at once; 0 sets no bound. A key at rest costs no goroutine.
	SideBySide int
	// FirstBackOff and LongestBackOff are how long Run waits after a key's first failure, and at most; each further one
	// in a row doubles it. 0 means 1 s and 16 s. They are those of tasks as well.
	FirstBackOff, LongestBackOff time.Duration
	// Wake asks for a pass where [Engine.Run] does not make them, after a task has ended; nil means Run's own queue.
	Wake func(key K)
	// Queue is what Run takes keys from; nil is one that nobody is told of.
	Queue *queue.Queue[K]
	// Begun is told of each task that begins. What it returns is called when the task has ended and its loop has been woken. Nil
	// tells nobody.
	Begun func(key K, task string) (ended func())
	// Inline takes tasks when their turn comes and waits for them, so that a pass is as deterministic as its plan. It is for
	// tests.
	Inline bool
	// DryRun has passes observe and plan, and take no step. What they would do is remembered and told as what was done is.
	DryRun bool
}

func (o Options[K]) withDefaults() Options[K] {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.FirstBackOff == 0 {
		o.FirstBackOff = time.Second
	}
	if o.LongestBackOff == 0 {
		o.LongestBackOff = 16 * time.Second
	}
	if o.Passed == nil {
		o.Passed = func(K, Decision, error) {}
	}
	if o.Queue == nil {
		o.Queue = queue.New[K](queue.Options{Name: o.Name, Clock: o.Clock})
	}
	if o.Begun == nil {
		o.Begun = func(K, string) func() { return func() {} }
	}
	if o.Describe == nil {
		o.Describe = func(K) []attribute.KeyValue { return nil }
	}
	return o
}

// Decision is a plan for whatever actor, to be read.
type Decision interface {
	// Empty reports that there is nothing to do now.
	Empty() bool
	// Again is when to look again; nil means when something changes.
	Again() *Again
	// String is the plan in prose, a line a step.
	String() string
}

// Engine makes the passes of one loop. It is safe for concurrent use.
type Engine[K comparable, W, A any] struct {
	loop    Loop[K, W, A]
	options Options[K]

	mu        sync.Mutex
	memories  map[K]*memory
	followers []func(K, Pass)
	context   context.Context // what tasks are done under: that of Run; never cancelled where another queue asks for passes
	tasks     sync.WaitGroup
}

// New returns an engine that has made no pass. Keys can be woken before it runs.
func New[K comparable, W, A any](loop Loop[K, W, A], options Options[K]) *Engine[K, W, A] {
	registerMetrics(options.Registerer)
	options = options.withDefaults()
	return &Engine[K, W, A]{
		loop:     loop,
		options:  options,
		memories: map[K]*memory{},
		context:  context.Background(),
	}
}

// Name is the name of the loop.
func (e *Engine[K, W, A]) Name() string { return e.options.Name }

// Wake asks for a pass about a key, soon. One that is under way is followed by another.
func (e *Engine[K, W, A]) Wake(key K) {
	if e.options.Wake != nil {
		e.options.Wake(key)
		return
	}
	e.options.Queue.Add(key)
}

// WakeAfter asks Run for a pass about a key after a while, as when news comes in bursts.
func (e *Engine[K, W, A]) WakeAfter(key K, d time.Duration) { e.options.Queue.AddAfter(key, d) }

// EndTasksWith has all tasks end with ctx. It is for an engine that does not [Engine.Run], before its first pass.
func (e *Engine[K, W, A]) EndTasksWith(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.context = ctx
}

// running is the context that tasks end with.
func (e *Engine[K, W, A]) running() context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.context
}

// Preview is the plan for a key as it would be made now. Nothing is carried out, and nothing is remembered. The error is
// that of Observe.
func (e *Engine[K, W, A]) Preview(ctx context.Context, key K) (*Plan[A], error) {
	world, err := e.loop.Observe(ctx, e.look(e.copyOf(key)), key)
	if err != nil {
		return nil, err
	}
	return e.loop.Plan(key, world, e.options.Clock.Now()), nil
}
