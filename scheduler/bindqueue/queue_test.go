package bindqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/scheduler/bindqueue"
)

func TestDecisionsHaveRoom(t *testing.T) {
	for _, test := range []struct {
		name string
		// before happens to a queue of one turn, with room for as long as fewer than two pods wait.
		before func(q *bindqueue.Queue, turn func(types.UID))
		room   bool
	}{
		{"while nobody waits", func(*bindqueue.Queue, func(types.UID)) {}, true},
		{"while fewer wait than may", func(q *bindqueue.Queue, turn func(types.UID)) {
			turn("bound")
			turn("a")
		}, true},
		{"not while as many wait as may", func(q *bindqueue.Queue, turn func(types.UID)) {
			turn("bound")
			turn("a")
			turn("b")
		}, false},
		{"not while as many are expected as may wait", func(q *bindqueue.Queue, _ func(types.UID)) {
			q.Expect("a")
			q.Expect("b")
		}, false},
		{"however often one pod is expected", func(q *bindqueue.Queue, turn func(types.UID)) {
			turn("bound")
			q.Expect("a")
			turn("a")
		}, true},
		{"when one that was expected leaves", func(q *bindqueue.Queue, _ func(types.UID)) {
			q.Expect("a")
			q.Expect("b")
			q.Leave("a")
		}, true},
		{"not when one leaves of more than may wait", func(q *bindqueue.Queue, _ func(types.UID)) {
			for _, pod := range []types.UID{"a", "b", "c"} {
				q.Expect(pod)
			}
			q.Leave("a")
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := bindqueue.New(1, 2)
				test.before(q, func(pod types.UID) { go q.Turn(t.Context(), pod) }) //nolint:errcheck // nobody ends it but the test
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				room := make(chan bool, 1)
				go func() { room <- q.Room(ctx) }()
				synctest.Wait()
				cancel()
				if got := <-room; got != test.room {
					t.Errorf("room is %v, want %v", got, test.room)
				}
			})
		})
	}
}

func TestRoomComesWithATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := bindqueue.New(1, 1)
		end, err := q.Turn(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		go q.Turn(t.Context(), "second") //nolint:errcheck // its turn does not end
		synctest.Wait()
		decided := make(chan bool, 1)
		go func() { decided <- q.Room(t.Context()) }()
		synctest.Wait()
		select {
		case <-decided:
			t.Fatal("there is room while a pod waits")
		default:
		}
		end()
		if !<-decided {
			t.Error("no room though nobody waits")
		}
		if number, all := q.UnderWay(); number != 1 || !all {
			t.Errorf("%d are under way (all: %v), want the second", number, all)
		}
	})
}

func TestWhoGivesUpWaitingNoLongerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := bindqueue.New(1, 1)
		if _, err := q.Turn(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		why := errors.New("the scheduler ends")
		ctx, cancel := context.WithCancelCause(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := q.Turn(ctx, "second")
			gaveUp <- err
		}()
		synctest.Wait()
		cancel(why)
		if err := <-gaveUp; !errors.Is(err, why) {
			t.Errorf("gave up with %v, want the reason %v", err, why)
		}
		if !q.Room(t.Context()) {
			t.Error("no room though nobody waits")
		}
	})
}
