package loop_test

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// reconciling is the stage's loop on a cluster that a test changes.
func (s *stage) reconciling(change func(*loop.Cluster)) {
	cluster := loop.Cluster{
		Client: s.cache.ClientOf("tester"), Live: s.Client("tester"), Events: s.events, Clock: s.Clock(), SideBySide: 1,
	}
	change(&cluster)
	s.reconciler = s.loop.Reconciler(cluster)
}

func TestAPassDoesNotWaitForWritesThatSomebodyHasUndone(t *testing.T) {
	s, tracker := newStage(t), activity.New(nil)
	s.reconciling(func(c *loop.Cluster) { c.Activity = tracker })
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	if s.mustPass(t); s.planned != 1 {
		t.Fatalf("planned %d times before the cache shows the write, want once", s.planned)
	}
	tracker.Rewind()
	if s.mustPass(t); s.planned != 2 {
		t.Errorf("planned %d times after the write was undone, want 2", s.planned)
	}
}

// Where the time that plans see stands still, a cache lags all the same.
func TestHowLongACacheLagsIsJudgedByItsOwnTime(t *testing.T) {
	s, lag := newStage(t), testingclock.NewFakeClock(time.Now())
	s.reconciling(func(c *loop.Cluster) { c.Lag = lag })
	s.plansOnce(func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) })
	s.mustPass(t)
	if err := s.Client("user").Delete(t.Context(), s.stored("new")); err != nil {
		t.Fatal(err)
	}
	s.cache.CatchUp() // of the whole life of the object the cache has seen nothing
	if s.mustPass(t); s.planned != 1 {
		t.Fatalf("planned %d times, want once: what was written does not show", s.planned)
	}
	lag.Step(time.Minute)
	if s.mustPass(t); s.planned != 2 {
		t.Errorf("planned %d times after a while, want 2: the API server knows that it is gone", s.planned)
	}
}

func TestAQueueOfAControllerTellsATracker(t *testing.T) {
	tracker := activity.New(nil)
	backOff := workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Hour, 2*time.Hour)
	q := loop.QueuesOf(tracker)("tester", backOff).(priorityqueue.PriorityQueue[reconcile.Request])
	defer q.ShutDown()
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: name}}
	}
	q.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(-100)}, request("unchanged"))
	q.AddWithOpts(priorityqueue.AddOpts{}, request("changed"))
	q.AddWithOpts(priorityqueue.AddOpts{After: time.Minute}, request("later"))
	q.AddWithOpts(priorityqueue.AddOpts{RateLimited: true}, request("failed"))
	for _, want := range []string{"changed", "unchanged"} {
		if got, _, _ := q.GetWithPriority(); got != request(want) {
			t.Errorf("it hands out %s, want %s", got, want)
		}
	}
	if words := tracker.UnderWay(); len(words) != 2 || words[0] != "tester default/changed" {
		t.Errorf("under way is %v, want both, by the loop's name", words)
	}
	if due := tracker.Due(); len(due) != 2 || due[0].What != "tester default/later" || due[1].What != "tester default/failed" {
		t.Errorf("due later is %v, want what is later before what has failed", due)
	}
	if n := q.NumRequeues(request("failed")); n != 1 {
		t.Errorf("it has failed %d times, want once", n)
	}
	if q.Forget(request("failed")); q.NumRequeues(request("failed")) != 0 {
		t.Error("it does not forget that it has failed")
	}
}
