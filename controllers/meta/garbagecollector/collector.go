package garbagecollector

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/workqueue"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// workers is how many objects are worked on side by side, unless the loop options say.
	workers = 8
	// patience is how long the first passes wait for all kinds to have been read. One that cannot be read holds the
	// others up no longer.
	patience = 30 * time.Second
)

// Collector runs garbage collection in a manager.
type Collector struct {
	kinds kinds.Source
}

// Any kind can have owners, one that is defined tomorrow too, so no list of kinds would do. The collector reads metadata
// only, which RBAC has no word for. It never creates, and writes by patches of ownerReferences and finalizers alone.
//
// +kubebuilder:rbac:groups=*,resources=*,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// New returns a collector for the kinds of a source.
func New(kinds kinds.Source) *Collector { return &Collector{kinds: kinds} }

// Name is the collector's name in metrics and logs, as that of a loop.Loop.
func (*Collector) Name() string { return name }

// AddTo runs the collector in a manager, from when the manager starts. No Workers means 8.
func (c *Collector) AddTo(mgr manager.Manager, options loop.Options) error {
	watches, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making a client for the metadata of all kinds: %w", err)
	}
	queue := &queue{}
	graph := newGraph(queue.add)
	monitors := newMonitors(c.kinds, watches, graph, mgr.GetLogger().WithName(name))
	monitors.cluster = loop.Cluster{
		Client: cached{mgr.GetClient(), graph},
		Live:   mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(name),
		Clock:  options.Clock,
	}
	if options.Workers == 0 {
		options.Workers = workers
	}
	passes, err := crcontroller.NewTyped(name, mgr, crcontroller.TypedOptions[id]{
		Reconciler:              dispatch{monitors},
		MaxConcurrentReconciles: options.Workers,
	})
	if err != nil {
		return fmt.Errorf("adding %s to the manager: %w", name, err)
	}
	if err := passes.Watch(feed{queue, monitors}); err != nil {
		return fmt.Errorf("connecting the graph to the queue of %s: %w", name, err)
	}
	return mgr.Add(manager.RunnableFunc(monitors.run))
}

// dispatch hands each object to the loop of its kind.
type dispatch struct{ monitors *monitors }

func (d dispatch) Reconcile(ctx context.Context, at id) (reconcile.Result, error) {
	m := d.monitors.of(at.Kind)
	if m == nil {
		return reconcile.Result{}, nil
	}
	return m.passes.Reconcile(ctx, reconcile.Request{NamespacedName: at.ObjectKey})
}

// queue is where the graph wakes objects. Until the controller has its own, it keeps them.
type queue struct {
	mu      sync.Mutex
	queue   workqueue.TypedRateLimitingInterface[id]
	pending []id
}

func (q *queue) add(at id) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queue == nil {
		q.pending = append(q.pending, at)
		return
	}
	q.queue.Add(at)
}

func (q *queue) open(queue workqueue.TypedRateLimitingInterface[id]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = queue
	for _, at := range q.pending {
		queue.Add(at)
	}
	q.pending = nil
}

// feed connects the graph to the queue of the controller, whose workers begin when all kinds have been read.
type feed struct {
	queue    *queue
	monitors *monitors
}

func (s feed) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[id]) error {
	s.queue.open(queue)
	return nil
}

func (s feed) WaitForSync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.monitors.wait(ctx)
	return nil
}
