package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// New declares a loop: its name, its controller, and what wakes it besides changes of its own objects.
func New[T client.Object, W any](name string, c Controller[T, W], options ...Option) Loop {
	d := declaration{prototype: newObject[T]()}
	for _, option := range options {
		option(&d)
	}
	return &loop[T, W]{declaration: d, name: name, controller: c, history: newHistory()}
}

type loop[T client.Object, W any] struct {
	declaration
	name       string
	controller Controller[T, W]
	history    *history
}

func (l *loop[T, W]) Name() string { return l.name }

func (l *loop[T, W]) Object() client.Object { return l.object() }

func (l *loop[T, W]) object() T { return l.prototype.DeepCopyObject().(T) }

func (l *loop[T, W]) Watches() []Watch { return append([]Watch{l.own()}, l.watches...) }

func (l *loop[T, W]) Indexes() []Index { return l.indexes }

func (l *loop[T, W]) Recent(key client.ObjectKey) []Pass { return l.history.of(key) }

func (l *loop[T, W]) AddTo(mgr manager.Manager, options Options) error {
	if err := Declare(context.Background(), mgr.GetFieldIndexer(), l); err != nil {
		return err
	}
	b := builder.ControllerManagedBy(mgr).
		Named(l.name).
		WithOptions(controller.Options{MaxConcurrentReconciles: l.workers(options)})
	for _, watch := range l.Watches() {
		watch.add(b, mgr)
	}
	cluster := Cluster{
		Client: mgr.GetClient(),
		Live:   mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(l.name),
		Clock:  options.Clock,
	}
	if err := b.Complete(l.Reconciler(cluster)); err != nil {
		return fmt.Errorf("adding loop %s to the manager: %w", l.name, err)
	}
	return nil
}

func (l *loop[T, W]) workers(options Options) int {
	switch {
	case l.oneByOne:
		return 1
	case options.Workers <= 0:
		return 4
	default:
		return options.Workers
	}
}

func (l *loop[T, W]) Reconciler(cluster Cluster) reconcile.Reconciler {
	registerMetrics()
	cluster = cluster.withDefaults()
	return &passes[T, W]{loop: l, Cluster: cluster, reads: newReads(cluster), ledger: newLedger(l.oneByOne)}
}

func (l *loop[T, W]) Preview(ctx context.Context, read client.Reader, key client.ObjectKey, now time.Time) (*plan.Plan, error) {
	obj := l.object()
	if err := read.Get(ctx, key, obj); err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	world, err := l.controller.Observe(ctx, preview{read, now}, obj)
	if err != nil {
		return nil, fmt.Errorf("observing for %s: %w", key, err)
	}
	return l.controller.Plan(obj, world, now), nil
}
