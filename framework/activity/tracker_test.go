package activity_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/queue"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"
)

var configMaps = schema.GroupKind{Kind: "ConfigMap"}

// storage is one that a test writes to.
type storage struct{ at atomic.Uint64 }

func (s *storage) written(context.Context) (activity.Revisions, error) {
	at := s.at.Load()
	return activity.Revisions{At: at, Of: func(schema.GroupKind) uint64 { return at }}, nil
}

// cache is one that shows what a test says.
type cache struct {
	shows    atomic.Uint64
	compared atomic.Bool
	matters  bool // whether what it lacks is any of its concern
	tracker  *activity.Tracker
}

func (c *cache) Behind(written activity.Revisions) string {
	if c.shows.Load() >= written.Of(configMaps) {
		return ""
	}
	return "a cache of ConfigMap"
}

func (c *cache) Compare(_ context.Context, written activity.Revisions) {
	c.compared.Store(true)
	if !c.matters {
		c.shows.Store(written.Of(configMaps))
		c.tracker.Changed()
	}
}

func TestRest(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(tracker *activity.Tracker, s *storage)
		busy []string // what keeps it from rest; none means that it comes to rest
	}{
		{"is there where nobody ever began anything", func(*activity.Tracker, *storage) {}, nil},
		{"is not there while something is under way", func(tracker *activity.Tracker, _ *storage) { tracker.Begin("a pass") }, []string{"a pass"}},
		{"counts how often the same is under way", func(tracker *activity.Tracker, _ *storage) {
			tracker.Begin("a pass")
			tracker.Begin("a pass")
		}, []string{"a pass (2 times)"}},
		{"is there when all that began has ended, however often that is said", func(tracker *activity.Tracker, _ *storage) {
			end, other := tracker.Begin("a pass"), tracker.Begin("a pass")
			end()
			end()
			other()
		}, nil},
		{"is not there while a cache lacks what was written", func(tracker *activity.Tracker, s *storage) {
			s.at.Store(7)
			tracker.AddCache(&cache{matters: true, tracker: tracker})
		}, []string{"a cache of ConfigMap"}},
		{"is there when a cache lacks nothing that it should have", func(tracker *activity.Tracker, s *storage) {
			s.at.Store(7)
			tracker.AddCache(&cache{tracker: tracker})
		}, nil},
		{"does not wait for a cache that is gone", func(tracker *activity.Tracker, s *storage) {
			s.at.Store(7)
			tracker.AddCache(&cache{matters: true, tracker: tracker})()
		}, nil},
		{"is not there while somebody who is asked says so", func(tracker *activity.Tracker, _ *storage) {
			tracker.Ask(func() string { return "the scheduler" })
		}, []string{"the scheduler"}},
		{"does not wait for a key that rests for long", func(tracker *activity.Tracker, _ *storage) {
			queue.New[string](queue.Options{Name: "loop", Tracker: tracker}).AddAfter("default/web", time.Hour)
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker, s := activity.New(testingclock.NewFakeClock(time.Now())), &storage{}
				test.set(tracker, s)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := tracker.Rest(ctx, s.written)
				var busy *activity.BusyError
				switch {
				case test.busy == nil && err != nil:
					t.Errorf("got %v, want rest", err)
				case test.busy != nil && (!errors.As(err, &busy) || !slices.Equal(busy.Busy, test.busy) || !errors.Is(err, context.DeadlineExceeded)):
					t.Errorf("got %v, want the deadline's error with %v", err, test.busy)
				}
			})
		})
	}
}

// What a cache shows wakes a loop, whose pass writes, which a cache has to show: there is no rest before the last of them.
func TestRestWaitsForWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, s := activity.New(nil), &storage{}
		c := &cache{matters: true, tracker: tracker}
		defer tracker.AddCache(c)()
		q := queue.New[string](queue.Options{Name: "loop", Tracker: tracker})
		defer q.ShutDown()
		s.at.Store(1)
		var passes atomic.Int32
		go func() {
			for {
				key, shut := q.Get()
				if shut {
					return
				}
				time.Sleep(time.Second)
				if passes.Add(1) < 3 {
					s.at.Add(1)
				}
				q.Done(key)
			}
		}()
		go func() { // the informer: it lags a second behind
			for shown := uint64(0); shown < 3; {
				time.Sleep(time.Second)
				if at := s.at.Load(); at > shown {
					shown = at
					q.Add("default/web")
					c.shows.Store(shown)
					tracker.Changed()
				}
			}
		}()
		if err := tracker.Rest(t.Context(), s.written); err != nil {
			t.Fatal(err)
		}
		if got := passes.Load(); got != 3 {
			t.Errorf("it is at rest after %d passes, want 3", got)
		}
	})
}

func TestTheErrorOfWhatWasWrittenEndsTheWait(t *testing.T) {
	lost := errors.New("etcd is gone")
	err := activity.New(nil).Rest(t.Context(), func(context.Context) (activity.Revisions, error) { return activity.Revisions{}, lost })
	if !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}

func TestWhatIsUnderWayIsSaidWhereWhatWasWrittenIsNotKnownInTime(t *testing.T) {
	tracker := activity.New(nil)
	tracker.Begin("a pass")
	ctx, cancel := context.WithCancel(t.Context())
	err := tracker.Rest(ctx, func(ctx context.Context) (activity.Revisions, error) {
		cancel()
		return activity.Revisions{}, ctx.Err()
	})
	var busy *activity.BusyError
	if !errors.As(err, &busy) || !slices.Equal(busy.Busy, []string{"a pass"}) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want an error with the pass, and why nobody waited", err)
	}
}

func TestANilTrackerCanBeToldOfEverything(t *testing.T) {
	var tracker *activity.Tracker
	tracker.Begin("a pass")()
	tracker.Changed()
	tracker.AddCache(&cache{})()
	tracker.Ask(func() string { return "busy" })()
	if tracker.Transport(http.DefaultTransport) != http.DefaultTransport || tracker.Due() != nil || tracker.UnderWay() != nil {
		t.Error("it knows something")
	}
}

func TestARequestIsUnderWayUntilItsAnswerHasBeenRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	tracker := activity.New(nil)
	client := &http.Client{Transport: tracker.Transport(http.DefaultTransport)}
	for path, counts := range map[string]bool{"/api/v1/pods": true, "/api/v1/pods?watch=true": false, "/api/v1/pods?watch=0": true, "/logs?follow=true": false} {
		response, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if words := tracker.UnderWay(); (len(words) == 1) != counts {
			t.Errorf("while %s is answered, %v is under way", path, words)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if words := tracker.UnderWay(); len(words) > 0 {
			t.Errorf("after %s has been answered, %s is under way", path, strings.Join(words, ", "))
		}
	}
}
