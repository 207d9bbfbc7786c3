package loop_test

import (
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"
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
