package loop_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// measured are controller-runtime's metrics of a queue: gauges and counters with their values, histograms with their counts and sums.
func measured(t *testing.T, controller string) map[string]string {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["controller"] == controller && labels["name"] == controller {
				name := f.GetName()
				if p, ok := labels["priority"]; ok {
					name += " " + p
				}
				all[name] = value(m)
			}
		}
	}
	return all
}

func value(m *dto.Metric) string {
	switch {
	case m.Gauge != nil:
		return fmt.Sprint(m.GetGauge().GetValue())
	case m.Counter != nil:
		return fmt.Sprint(m.GetCounter().GetValue())
	default:
		return fmt.Sprintf("%d in %.0f s", m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum())
	}
}

// The same is done with controller-runtime's own queue, which measures by a goroutine of its own.
func TestAQueueIsMeasuredAsControllerRuntimesIs(t *testing.T) {
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: client.ObjectKey{Name: name}}
	}
	backOff := workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Minute, time.Hour)
	use := func(q priorityqueue.PriorityQueue[reconcile.Request]) {
		q.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(-100)}, request("a"), request("b"))
		q.AddWithOpts(priorityqueue.AddOpts{After: 7 * time.Second, Priority: ptr.To(1)}, request("c"))
		synctest.Wait()
		time.Sleep(3 * time.Second)
		q.Get()
		q.Add(request("b"))
		time.Sleep(5*time.Second + 100*time.Millisecond)
		synctest.Wait()
	}
	synctest.Test(t, func(t *testing.T) {
		theirs := priorityqueue.New("theirs", func(o *priorityqueue.Opts[reconcile.Request]) { o.RateLimiter = backOff })
		use(theirs)
		want := measured(t, "theirs")
		ours := loop.QueuesOf(nil)("ours", backOff).(priorityqueue.PriorityQueue[reconcile.Request])
		use(ours)
		if len(want) < 8 {
			t.Fatalf("controller-runtime measures only %v", want)
		}
		if diff := cmp.Diff(want, measured(t, "ours")); diff != "" {
			t.Errorf("controller-runtime's queue is measured so, and ours otherwise (-theirs +ours):\n%s", diff)
		}
		ours.ShutDown()
		theirs.ShutDown()
	})
}
