package loop_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

// tells makes the controller record so many events about its object in each pass.
func (s *stage) tells(n int) {
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		for i := range n {
			p.Event(pod, plan.Normal, "Said", "%s", fmt.Sprint(i))
		}
	}
}

func TestEventsOfOneReasonAboutOneObjectAreBounded(t *testing.T) {
	s := newStage(t)
	for _, tt := range []struct {
		name  string
		after time.Duration
		tells int
		want  int
	}{
		{"all, while they are few", 0, 20, 20},
		{"25 at once", 0, 20, 5},
		{"no more after that", 4 * time.Minute, 20, 0},
		{"one more every 5 minutes", time.Minute, 20, 1},
		{"all that were not, after a long rest", 24 * time.Hour, 30, 25},
	} {
		s.Step(tt.after)
		s.tells(tt.tells)
		s.passWithCache(t)
		if got := len(s.recorded()); got != tt.want {
			t.Errorf("%s: %d events are recorded, want %d", tt.name, got, tt.want)
		}
	}
	s.Put(aConfigMap("other"))
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.Event(s.stored("other"), plan.Normal, "Said", "something") }
	s.passWithCache(t)
	if got := len(s.recorded()); got != 1 {
		t.Errorf("%d events about another object are recorded, want 1", got)
	}
}

func TestAnObjectThatIsRefusedAgainAndAgainIsToldWhatElseHappens(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		for i := range 2 * 25 {
			p.Event(pod, plan.Warning, "FailedCreate", "%s", fmt.Sprint(i))
		}
		p.Event(pod, plan.Warning, "BackoffLimitExceeded", "too many have failed")
		p.Event(pod, plan.Normal, "SuccessfulCreate", "one was created")
	}
	s.passWithCache(t)
	said := s.recorded()
	if len(said) != 25+2 {
		t.Fatalf("%d events are recorded, want 25 refusals and 2 others:\n%s", len(said), said)
	}
	for i, want := range []string{"BackoffLimitExceeded", "SuccessfulCreate"} {
		if got := said[25+i]; !strings.Contains(got, want) {
			t.Errorf("event %d is %q, want %s", 25+i, got, want)
		}
	}
}
