package apicalls_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
	"github.com/orrery-dev/orrery/scheduler/bindqueue"
)

func TestAClientThatIsHeldBackBindsFewerPodsAtOnce(t *testing.T) {
	for _, test := range []struct {
		qps  float32
		want int
	}{{-1, 32}, {0, 32}, {5000, 32}, {320, 32}, {50, 5}, {41, 5}, {5, 1}, {0.1, 1}} {
		queue, atOnce := apicalls.NewBindQueue(test.qps), 0
		for all := false; !all; atOnce++ {
			if _, err := queue.Turn(t.Context(), types.UID(fmt.Sprint(atOnce))); err != nil {
				t.Fatal(err)
			}
			_, all = queue.UnderWay()
		}
		if atOnce != test.want {
			t.Errorf("with %v requests a second, %d bindings are under way at once, want %d", test.qps, atOnce, test.want)
		}
	}
}

func TestTheServerIsBusyWithABindingOnlyWhileItIsNew(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	w := looptest.NewWorld(scheme)
	arrived, release := make(chan struct{}), make(chan struct{})
	w.Refuse = func(looptest.Write) error {
		close(arrived)
		<-release
		return conflict("the answer does not matter here")
	}
	cached, client := apicalls.NewCached(w.Client("scheduler")), w.Client("scheduler")
	clock := testingclock.NewFakePassiveClock(time.Now())
	binder := apicalls.NewBinder(client, apicalls.NewPodStatuses(cached, client), bindqueue.New(2, 1), clock)
	if binder.Busy() {
		t.Error("busy before anything is bound")
	}
	var binding sync.WaitGroup
	binding.Go(func() { _ = binder.Bind(t.Context(), (*corev1.Pod)(victim()), "node") })
	<-arrived
	if !binder.Busy() {
		t.Error("free while a binding has just begun")
	}
	clock.SetTime(clock.Now().Add(time.Second))
	if binder.Busy() {
		t.Error("busy with a binding that hangs")
	}
	close(release)
	binding.Wait()
}
