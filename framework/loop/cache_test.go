package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// shelf is a cache of a loop's own. It wakes the loop for one key, but not before it has been filled.
type shelf struct {
	client.Reader
	filled chan struct{}
}

func (s shelf) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	queue.Add(reconcile.Request{NamespacedName: key})
	return nil
}

func (s shelf) WaitForSync(ctx context.Context) error {
	select {
	case <-s.filled:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// reading is a controller that tells what it reads.
type reading chan string

func (r reading) Observe(ctx context.Context, view loop.View, key client.ObjectKey) (struct{}, error) {
	seen := &corev1.ConfigMap{}
	if err := view.Get(ctx, key, seen); err != nil {
		return struct{}{}, err
	}
	r <- seen.Data["said"]
	return struct{}{}, nil
}

func (reading) Plan(client.ObjectKey, struct{}, time.Time) *plan.Plan { return nil }

func TestALoopReadsFromACacheOfItsOwnOnceThatIsFilled(t *testing.T) {
	world := looptest.NewWorld(websiteScheme())
	cache := shelf{world.Client("cache"), make(chan struct{})}
	read := make(reading, 1)
	mgr := newManager(t)
	own := loop.NewGroup(uniqueName("own"), read, loop.ReadsFrom(func(manager.Manager) (loop.Cache, error) { return cache, nil }))
	if err := own.AddTo(mgr, loop.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	said := aConfigMap(key.Name)
	said.Namespace, said.Data = key.Namespace, map[string]string{"said": "hello"}
	world.Put(said)
	close(cache.filled)
	select {
	case got := <-read:
		if got != "hello" {
			t.Errorf("the loop read %q, want what its own cache has", got)
		}
	case err := <-ended:
		t.Fatalf("the manager ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the loop made no pass that its cache has woken it for")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
