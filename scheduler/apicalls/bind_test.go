package apicalls_test

import (
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/scheduler/apicalls"
)

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
	binder := apicalls.NewBinder(client, apicalls.NewPodStatuses(cached, client), clock)
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
