package loop

import (
	"context"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Controller decides for objects of the kind T, one at a time, from a world W that it observes.
type Controller[T client.Object, W any] interface {
	// Observe reads all that Plan needs to know, besides obj. Its error ends the pass; a world that can be planned
	// for although a part of it could not be read holds that fact as a field.
	Observe(ctx context.Context, view View, obj T) (W, error)

	// Plan decides what to do next. It is pure, and changes neither obj nor world. Nil is the empty plan.
	Plan(obj T, world W, now time.Time) *plan.Plan
}

// GroupController decides for many objects at once: for those of a zone or a namespace, or for everything there is. The key
// says for which; what it means is the controller's own business, and [All] is the key where there is but one.
type GroupController[W any] interface {
	// Observe reads all that Plan needs to know. That there is nothing with the key any more is [engine.ErrGone].
	Observe(ctx context.Context, view View, key client.ObjectKey) (W, error)

	// Plan decides what to do next. It is pure, and does not change world. Nil is the empty plan.
	Plan(key client.ObjectKey, world W, now time.Time) *plan.Plan
}

// All is the key of a loop that decides for everything in one pass.
var All = client.ObjectKey{Name: "all"}

// Loop is a controller together with what wakes it.
type Loop interface {
	// Name names the loop in metrics, logs and as a field manager: lower case, unique within a manager.
	Name() string

	// Recorder is in whose name the loop records events: its own, or another that [RecordsAs] says.
	Recorder() string

	// Object is a new, empty object of the kind that the loop decides for; nil if it decides for groups of objects.
	Object() client.Object

	// AddTo runs the loop in a manager, from when the manager starts. Loops that share an index are added together: see
	// [AddAll].
	AddTo(mgr manager.Manager, options Options) error

	// Reconciler is the loop without its watches: one call is one pass for one key. Tests drive it by hand.
	Reconciler(cluster Cluster) Reconciler

	// Watches are what wakes the loop: its own kind first, if it has one, then the others.
	Watches() []Watch

	// AtStart are the keys that the loop is woken for when it starts.
	AtStart() []client.ObjectKey

	// Indexes are by which fields the loop's reads are indexed. AddTo declares them; for Preview, see [Declare].
	Indexes() []Index

	// Preview is the plan for a key as it would be made now. Nothing is carried out. read has to have the loop's
	// indexes. An object that does not exist is an error which apierrors.IsNotFound recognises.
	Preview(ctx context.Context, read client.Reader, key client.ObjectKey, now time.Time) (*plan.Plan, error)
}

// Reconciler makes the passes of a loop.
type Reconciler interface {
	reconcile.Reconciler

	// Inspector shows what the loop would do next, and what it did last. Its keys are NAMESPACE/NAME, or NAME.
	Inspector() engine.Inspector
}

// Options are how a manager runs a loop.
type Options struct {
	// Workers is how many keys are worked on side by side; 0 means what the loop says: see [Workers].
	Workers int
	// Clock is the time that Plan sees; nil means the real one.
	Clock clock.WithTickerAndDelayedExecution
	// Activity is told of what the loop has due and under way, and its Clock says when keys are due; nil tells nobody.
	Activity *activity.Tracker
	// AnyName allows another loop of the process to have the same name, as in a second manager. Their metrics are added up.
	AnyName bool
	// Inspect is handed what shows the loop's next plans and its last ones; nil shows them to nobody.
	Inspect func(engine.Inspector)
	// Started is told when the loop has read all that it watches, and its passes begin; nil tells nobody.
	Started func()
	// As is the manager as the loop of a name knows it: with clients and an event recorder by which it is somebody of its own
	// to the API server. What the loop shares with others, the cache and what runs, has to be the manager's own. Nil means that
	// all loops are whom the manager is.
	As func(mgr manager.Manager, name string) (manager.Manager, error)
	// DryRun has the loop observe and plan, and write nothing. What it would do, Inspect shows as if it had been done.
	DryRun bool

	// relays are those of the loops that are added together.
	relays *relays
}

// Cluster is what a loop observes and acts on.
type Cluster struct {
	// Client reads from a cache, which may be behind, and writes to the API server.
	Client client.Client
	// Live reads from the API server; nil means Client.
	Live client.Reader
	// Events takes the events; nil drops them.
	Events events.EventRecorder
	// Clock is the time that Plan sees; nil means the real one.
	Clock clock.WithTickerAndDelayedExecution
	// Lag is the time by which it is judged how long a cache has been behind; nil means Clock.
	Lag clock.PassiveClock
	// Activity is told of tasks that are under way; nil tells nobody.
	Activity *activity.Tracker
	// SideBySide is how many requests of one step may be under way at once; 0 means 32. With 1 a pass is as
	// deterministic as its plan: tasks are taken like any other step.
	SideBySide int
	// Names makes a name from the generateName of an object that is to be created; nil appends five random letters
	// and digits, as the API server does.
	Names func(prefix string) string
	// Wake asks for a pass when a task has ended; nil asks nobody.
	Wake func(key client.ObjectKey)
	// Passed is told of every pass that planned: the plan, and what went wrong in carrying it out; nil tells nobody.
	Passed func(key client.ObjectKey, steps []plan.Step, err error)
	// DryRun has passes observe and plan, and take no step.
	DryRun bool
}

func (c Cluster) withDefaults() Cluster {
	if c.Live == nil {
		c.Live = c.Client
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.Lag == nil {
		c.Lag = c.Clock
	}
	if c.SideBySide == 0 {
		c.SideBySide = 32
	}
	if c.Names == nil {
		c.Names = randomName
	}
	if c.Wake == nil {
		c.Wake = func(client.ObjectKey) {}
	}
	return c
}
