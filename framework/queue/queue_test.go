package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/queue"
	testingclock "k8s.io/utils/clock/testing"
)

func TestQueue(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(q *queue.Queue[string], c *testingclock.FakeClock)
		keys []string // in the order in which they are had
		busy []string // what is under way before that
		due  []string // what comes later
	}{
		{"hands out keys in the order in which they came", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.Add("a")
			q.Add("b")
			q.Add("a")
		}, []string{"a", "b"}, []string{"loop a", "loop b"}, nil},
		{"hands out urgent keys first", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddUrgent("a", -1)
			q.Add("b")
			q.Add("c")
			q.AddUrgent("c", 1)
		}, []string{"c", "b", "a"}, []string{"loop a", "loop b", "loop c"}, nil},
		{"lets a key that becomes more urgent come behind those that were as urgent before", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.Add("a")
			q.AddUrgent("b", 1)
			q.AddUrgent("a", 1)
		}, []string{"b", "a"}, []string{"loop a", "loop b"}, nil},
		{"makes no key less urgent", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.Add("a")
			q.AddUrgent("b", -1)
			q.AddUrgent("a", -2)
		}, []string{"a", "b"}, []string{"loop a", "loop b"}, nil},
		{"hands out a key as urgently as it rested", func(q *queue.Queue[string], c *testingclock.FakeClock) {
			q.Add("a")
			q.AddUrgentAfter("b", 1, time.Minute)
			q.AddUrgentAfter("c", -1, time.Minute)
			q.AddUrgentAfter("d", 2, time.Hour)
			q.AddUrgent("d", -3)
			c.Step(time.Minute)
		}, []string{"d", "b", "a", "c"}, []string{"loop a", "loop b", "loop c", "loop d"}, nil},
		{"makes a key that is due more urgent than it will be", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.Add("a")
			q.Add("b")
			q.AddUrgentAfter("b", 1, time.Minute)
		}, []string{"b", "a"}, []string{"loop a", "loop b"}, nil},
		{"does not count a key that rests", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddAfter("a", time.Minute)
		}, nil, nil, []string{"loop a in 1m0s"}},
		{"lets a key rest for the shortest of the times that were asked for", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddAfter("a", time.Minute)
			q.AddAfter("a", time.Second)
			q.AddAfter("a", time.Hour)
		}, nil, nil, []string{"loop a in 1s"}},
		{"hands out a key when its rest is over by the tracker's clock", func(q *queue.Queue[string], c *testingclock.FakeClock) {
			q.AddAfter("a", time.Minute)
			c.Step(time.Minute)
		}, []string{"a"}, []string{"loop a"}, nil},
		{"ends the rest of a key that is wanted at once", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddAfter("a", time.Minute)
			q.Add("a")
		}, []string{"a"}, []string{"loop a"}, nil},
		{"forgets a rest that is longer than the key has to wait anyway", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.Add("a")
			q.AddAfter("a", time.Minute)
		}, []string{"a"}, []string{"loop a"}, nil},
		{"takes no time for none", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddAfter("a", 0)
		}, []string{"a"}, []string{"loop a"}, nil},
		{"counts a short rest as work", func(q *queue.Queue[string], _ *testingclock.FakeClock) {
			q.AddAfter("a", queue.Pause)
		}, []string{"a"}, []string{"loop a"}, []string{"loop a in 100ms"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testingclock.NewFakeClock(time.Now())
				tracker := activity.New(c)
				q := queue.New[string](queue.Options{Name: "loop", Tracker: tracker, Clock: c})
				test.do(q, c)
				synctest.Wait()
				if busy := tracker.UnderWay(); !slices.Equal(busy, test.busy) {
					t.Errorf("under way is %v, want %v", busy, test.busy)
				}
				var due []string
				for _, wake := range tracker.Due() {
					due = append(due, fmt.Sprintf("%s in %s", wake.What, wake.At.Sub(c.Now())))
				}
				if !slices.Equal(due, test.due) {
					t.Errorf("due later is %v, want %v", due, test.due)
				}
				var keys []string
				for range test.keys {
					key, _ := q.Get()
					keys = append(keys, key)
					q.Done(key)
				}
				if !slices.Equal(keys, test.keys) || q.Len() != 0 || len(tracker.UnderWay()) != 0 {
					t.Errorf("it handed out %v, want %v; %d are left, and under way is %v", keys, test.keys, q.Len(), tracker.UnderWay())
				}
				q.ShutDown()
			})
		})
	}
}

func TestAKeyThatComesAgainWhileItIsProcessedIsProcessedAgain(t *testing.T) {
	tracker := activity.New(nil)
	q := queue.New[string](queue.Options{Name: "loop", Tracker: tracker})
	q.Add("a")
	key, _ := q.Get()
	q.Add("a")
	if q.Len() != 0 {
		t.Error("two may process a key at once")
	}
	q.Done(key)
	if q.Len() != 1 || len(tracker.UnderWay()) != 1 {
		t.Errorf("%d are due, and under way is %v; want the key again", q.Len(), tracker.UnderWay())
	}
}

func TestAQueueThatIsShutDownHoldsNobodyUp(t *testing.T) {
	tracker := activity.New(nil)
	q := queue.New[string](queue.Options{Name: "loop", Tracker: tracker})
	q.Add("processed")
	key, _ := q.Get()
	q.Add("due")
	q.Add("processed")
	q.AddAfter("soon", queue.Pause)
	q.AddAfter("later", time.Hour)
	q.ShutDown()
	q.ShutDown()
	q.Add("late")
	q.AddAfter("late", time.Second)
	q.Done(key)
	if _, shut := q.Get(); !shut || !q.ShuttingDown() {
		t.Error("it hands out keys")
	}
	if words, due := tracker.UnderWay(), tracker.Due(); len(words) > 0 || len(due) > 0 {
		t.Errorf("under way is %v, due later %v; want nothing", words, due)
	}
}
