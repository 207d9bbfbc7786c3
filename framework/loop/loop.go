package loop

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// New declares a loop over the objects of a kind: its name, its controller, and what wakes it besides changes of its own
// objects.
func New[T client.Object, W any](name string, c Controller[T, W], options ...Option) Loop {
	d := declare(options)
	if d.prototype == nil {
		d.prototype = newObject[T]()
	}
	object := func() T { return d.prototype.DeepCopyObject().(T) }
	return &loop{declaration: d, name: name, controller: single[T, W]{object, c}}
}

// NewGroup declares a loop over groups of objects, or over everything at once: its name, its controller, and what wakes it,
// which the options have to say. They name keys of groups; see [WatchesAll] for the loop that has but one.
func NewGroup[W any](name string, c GroupController[W], options ...Option) Loop {
	return &loop{declaration: declare(options), name: name, controller: group[W]{c}}
}

// loop is a declared loop. One over objects is one over groups of which each holds one object. What a world is made of only its controller
// knows, and so all that runs a loop is compiled once, and not for each.
type loop struct {
	*declaration
	name       string
	controller GroupController[any]
}

func (l *loop) Name() string { return l.name }

func (l *loop) Recorder() string { return cmp.Or(l.recordsAs, l.name) }

func (l *loop) Object() client.Object {
	if l.prototype == nil {
		return nil
	}
	return l.prototype.DeepCopyObject().(client.Object)
}

func (l *loop) Watches() []Watch {
	if l.prototype == nil {
		return l.watches
	}
	return append([]Watch{l.own()}, l.watches...)
}

func (l *loop) Indexes() []Index { return l.indexes }

func (l *loop) AtStart() []client.ObjectKey { return l.atStart }

// AddAll runs loops in a manager, from when the manager starts. An index that several of them read by is declared once.
func AddAll(mgr manager.Manager, options Options, loops ...Loop) error {
	if err := Declare(context.Background(), mgr.GetFieldIndexer(), loops...); err != nil {
		return err
	}
	options.relays = newRelays()
	for _, l := range loops {
		if err := addAs(mgr, options, l); err != nil {
			return fmt.Errorf("adding loop %s to the manager: %w", l.Name(), err)
		}
	}
	return nil
}

// addAs adds a loop whose indexes have been declared, as whom the options say.
func addAs(mgr manager.Manager, options Options, l Loop) error {
	if options.As != nil {
		own, err := options.As(mgr, l.Name())
		if err != nil {
			return err
		}
		mgr = own
	}
	return l.(adder).add(mgr, options)
}

// adder is a loop whose indexes have been declared.
type adder interface {
	add(mgr manager.Manager, options Options) error
}

func (l *loop) AddTo(mgr manager.Manager, options Options) error { return AddAll(mgr, options, l) }

func (l *loop) add(mgr manager.Manager, options Options) error {
	if options.Workers <= 0 {
		options.Workers = l.workers
	}
	run := controller.Options{MaxConcurrentReconciles: options.Workers, RateLimiter: backOff(), NewQueue: QueuesOf(options.Activity)}
	if options.Activity != nil {
		var err error
		if options.Started, err = starting(mgr, options.Activity, l.name, options.Started); err != nil {
			return err
		}
	}
	run.EnableWarmup = ptr.To(options.Started != nil) // see telling
	if options.AnyName {                              // or else the manager's own options say so
		run.SkipNameValidation = ptr.To(true)
	}
	if options.Activity != nil {
		mgr = tracked{mgr, options.Activity}
	}
	mgr, err := l.partedFrom(mgr)
	if err != nil {
		return err
	}
	in, err := l.surroundingsIn(mgr)
	if err != nil {
		return err
	}
	in.builder = builder.ControllerManagedBy(telling{relaying{mgr, options.relays}, options.Started}).Named(l.name).WithOptions(run)
	for _, watch := range l.Watches() {
		watch.add(in)
	}
	var queued wakeable
	passes := l.passes(Cluster{
		Client: in.client,
		Live:   mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(l.Recorder()),
		Clock:  options.Clock,
		Wake:   queued.wake,
		DryRun: options.DryRun,
		// A cache lags in real time, whatever the time is that plans see.
		Lag:      clock.RealClock{},
		Activity: options.Activity,
	})
	in.builder.WatchesRawSource(source.Func(func(ctx context.Context, q requests) error {
		passes.engine.EndTasksWith(ctx)
		queued.start(q)
		for _, key := range l.atStart {
			queued.wake(key)
		}
		return nil
	}))
	if options.Inspect != nil {
		options.Inspect(passes.Inspector())
	}
	return in.builder.Complete(passes)
}

func (l *loop) Reconciler(cluster Cluster) Reconciler { return l.passes(cluster) }

func (l *loop) Preview(ctx context.Context, read client.Reader, key client.ObjectKey, now time.Time) (*plan.Plan, error) {
	world, err := l.controller.Observe(ctx, NewView(read, nil, now), key)
	if err != nil {
		return nil, fmt.Errorf("observing for %s: %w", key, err)
	}
	if decided := l.controller.Plan(key, world, now); decided != nil {
		return decided, nil
	}
	return plan.New(), nil
}
