package queue_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/queue"
)

// diary is a meter that notes what it is told.
type diary struct{ notes []string }

func (d *diary) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

func (d *diary) Added(urgency int)                     { d.note("added %d", urgency) }
func (d *diary) Raised(from, to int)                   { d.note("raised %d to %d", from, to) }
func (d *diary) Got(urgency int, waited time.Duration) { d.note("got %d after %s", urgency, waited) }
func (d *diary) Done(took time.Duration)               { d.note("done after %s", took) }
func (d *diary) Dropped(urgency int)                   { d.note("dropped %d", urgency) }
func (d *diary) Retried()                              { d.note("retried") }
func (d *diary) Unfinished(total, longest time.Duration) {
	d.note("unfinished %s, longest %s", total, longest)
}

func TestAMeterIsTold(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(q *queue.Queue[string])
		want []string
	}{
		{"of a key from when it is due until it is done", func(q *queue.Queue[string]) {
			q.AddAfter("a", time.Minute)
			time.Sleep(time.Minute + 3*time.Second)
			q.Get()
			time.Sleep(queue.Look - 1)
			q.Done("a")
			time.Sleep(time.Minute)
		}, []string{"retried", "added 0", "got 0 after 3s", "done after 499.999999ms"}},
		{"once of a key that comes twice", func(q *queue.Queue[string]) {
			q.AddUrgent("a", -1)
			q.Add("a")
			q.Get()
		}, []string{"added -1", "raised -1 to 0", "got 0 after 0s"}},
		{"of a key that comes again while it is processed", func(q *queue.Queue[string]) {
			q.Add("a")
			q.Get()
			q.Add("a")
			q.AddUrgent("a", 1)
			q.Done("a")
			q.Get()
		}, []string{"added 0", "got 0 after 0s", "added 0", "raised 0 to 1", "done after 0s", "got 1 after 0s"}},
		{"what is processed for long, until it is done", func(q *queue.Queue[string]) {
			q.Add("a")
			q.Add("b")
			q.Get()
			time.Sleep(queue.Look / 2)
			q.Get()
			time.Sleep(queue.Look)
			q.Done("a")
			time.Sleep(queue.Look)
			q.Done("b")
			time.Sleep(time.Minute)
		}, []string{
			"added 0", "added 0", "got 0 after 0s", "got 0 after 250ms", "unfinished 750ms, longest 500ms", "done after 750ms",
			"unfinished 750ms, longest 750ms", "done after 1s", "unfinished 0s, longest 0s",
		}},
		{"what is forgotten at the end", func(q *queue.Queue[string]) {
			q.Add("a")
			q.Get()
			q.Add("a")
			q.Add("b")
			q.ShutDown()
			q.Done("a")
		}, []string{"added 0", "got 0 after 0s", "added 0", "added 0", "dropped 0", "dropped 0", "done after 0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &diary{}
				q := queue.New[string](queue.Options{Meter: d})
				test.do(q)
				synctest.Wait()
				if diff := cmp.Diff(test.want, d.notes); diff != "" {
					t.Errorf("it is told (-want +got):\n%s", diff)
				}
				q.ShutDown()
			})
		})
	}
}
