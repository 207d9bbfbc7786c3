package loop_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// given is a manager that notes what it is given to run.
type given struct {
	manager.Manager
	runnables []manager.Runnable
}

func (g *given) Add(r manager.Runnable) error {
	g.runnables = append(g.runnables, r)
	return g.Manager.Add(r)
}

func TestAKeyThatFailsForEverIsTriedEveryMinute(t *testing.T) {
	mgr := &given{Manager: newManager(t)}
	if err := loop.New(uniqueName("unlucky"), controller{}).AddTo(mgr, loop.Options{}); err != nil {
		t.Fatal(err)
	}
	if len(mgr.runnables) != 1 {
		t.Fatalf("the manager was given %d things to run, want the loop", len(mgr.runnables))
	}
	// The controller is of a type that only controller-runtime can name.
	limiter, ok := reflect.ValueOf(mgr.runnables[0]).Elem().FieldByName("RateLimiter").Interface().(workqueue.TypedRateLimiter[reconcile.Request])
	if !ok {
		t.Fatalf("a %T has no limit of its rate", mgr.runnables[0])
	}
	key := reconcile.Request{NamespacedName: types.NamespacedName{Name: "site"}}
	if first, second := limiter.When(key), limiter.When(key); first != 5*time.Millisecond || second != 2*first {
		t.Errorf("it rests %s and then %s, want 5ms and twice that", first, second)
	}
	var total, last time.Duration
	for total < 10*time.Minute {
		last = limiter.When(key)
		total += last
	}
	if last != time.Minute {
		t.Errorf("after failures for %s it rests %s, want a minute", total, last)
	}
	limiter.Forget(key)
	if first := limiter.When(key); first != 5*time.Millisecond {
		t.Errorf("when a pass went well, the next that fails rests %s, want 5ms", first)
	}
}
