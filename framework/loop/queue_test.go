package loop_test

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

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

func TestWhatHasFailedIsAsUrgentAfterItsRest(t *testing.T) {
	backOff := workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Millisecond, time.Millisecond)
	q := loop.QueuesOf(nil)("tester", backOff).(priorityqueue.PriorityQueue[reconcile.Request])
	defer q.ShutDown()
	q.AddWithOpts(priorityqueue.AddOpts{RateLimited: true, After: time.Hour, Priority: ptr.To(-100)}, reconcile.Request{})
	if _, urgency, _ := q.GetWithPriority(); urgency != -100 {
		t.Errorf("it comes with %d, want -100", urgency)
	}
}
