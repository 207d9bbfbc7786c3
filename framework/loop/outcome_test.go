package loop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestWhatFollowsAnError(t *testing.T) {
	var (
		broken      = errors.New("broken")
		conflict    = apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web", errors.New("changed"))
		terminating = apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web", errors.New("the namespace goes"))
	)
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for _, tt := range []struct {
		name  string
		err   error
		after time.Duration
		fails bool // the error goes to controller-runtime
		stops bool // and is not tried again
	}{
		{name: "an error is tried again with back-off", err: broken, fails: true},
		{name: "a conflict is tried again quietly", err: conflict, after: 20 * time.Millisecond},
		{name: "a terminating namespace ends it quietly", err: terminating},
		{name: "a wait looks again after its time", err: plan.Wait(time.Minute, broken), after: time.Minute},
		{name: "a stop is not tried again", err: plan.Stop(broken), fails: true, stops: true},
		{name: "a wait for a conflict is a wait", err: plan.Wait(time.Minute, conflict), after: time.Minute},
		{name: "a throttled request waits as long as the server says", err: apierrors.NewTooManyRequests("slowly", 7), after: 7 * time.Second},
		{name: "an internal error is an error", err: apierrors.NewInternalError(broken), fails: true},
		{name: "two conflicts are one", err: errors.Join(conflict, conflict), after: 20 * time.Millisecond},
		{name: "a conflict does not hide an error", err: errors.Join(conflict, broken), fails: true},
		{name: "a wait does not hide an error beside it", err: errors.Join(plan.Wait(time.Minute, conflict), broken), fails: true},
		{name: "a wait around several errors counts for all", err: plan.Wait(time.Minute, errors.Join(conflict, broken)), after: time.Minute},
		{name: "a stop around several errors counts for all", err: plan.Stop(errors.Join(conflict, broken)), fails: true, stops: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.observe = func(context.Context, loop.View, *corev1.Pod) error {
				return fmt.Errorf("looking around: %w", tt.err)
			}
			result, err := s.pass(t)
			if result.RequeueAfter != tt.after {
				t.Errorf("looks again after %s, want %s", result.RequeueAfter, tt.after)
			}
			if (err != nil) != tt.fails || errors.Is(err, reconcile.TerminalError(nil)) != tt.stops {
				t.Errorf("ends with %v; want an error: %t, one that stops: %t", err, tt.fails, tt.stops)
			}
			if err != nil && !errors.Is(err, tt.err) {
				t.Errorf("ends with %v, which is not the error that happened", err)
			}
		})
	}
}

func TestWhatIsWrongWithAnObjectIsToldOnceForAsLongAsItIsSo(t *testing.T) {
	s := newStage(t)
	wrong := errors.New("its colour is unknown")
	s.observe = func(_ context.Context, _ loop.View, pod *corev1.Pod) error {
		if wrong == nil {
			return nil
		}
		return fmt.Errorf("looking at it: %w", plan.StopAbout(pod, "InvalidColour", wrong))
	}
	told := func() (said []string) {
		for len(s.events.Events) > 0 {
			said = append(said, <-s.events.Events)
		}
		return said
	}
	for _, pass := range []struct {
		wrong error
		want  string
	}{
		{wrong, "[Warning InvalidColour its colour is unknown]"},
		{wrong, "[]"},
		{errors.New("its size is unknown"), "[Warning InvalidColour its size is unknown]"},
		{nil, "[]"},
		{wrong, "[Warning InvalidColour its colour is unknown]"},
	} {
		wrong = pass.wrong
		if _, err := s.pass(t); errors.Is(err, reconcile.TerminalError(nil)) != (wrong != nil) {
			t.Errorf("with %v the pass ends with %v", wrong, err)
		}
		if said := fmt.Sprint(told()); said != pass.want {
			t.Errorf("with %v it says %s, want %s", wrong, said, pass.want)
		}
	}
}

func TestNoErrorIsNoWaitAndNoStop(t *testing.T) {
	if err := plan.Wait(time.Minute, nil); err != nil {
		t.Errorf("waiting with no error is %v", err)
	}
	if err := plan.Stop(nil); err != nil {
		t.Errorf("stopping with no error is %v", err)
	}
}

func TestAPassLooksAgainWhenThePlanSaysSo(t *testing.T) {
	s := newStage(t)
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.After(time.Minute, "the deadline passes") }
	if result := s.mustPass(t); result.RequeueAfter != time.Minute {
		t.Errorf("looks again after %s, want a minute", result.RequeueAfter)
	}
}

func TestAnObjectThatIsGoneEndsThePass(t *testing.T) {
	s := newStage(t)
	s.deletePod(t)
	if result := s.passWithCache(t); s.planned != 0 || !result.IsZero() {
		t.Errorf("planned %d times for an object that does not exist, and then %v", s.planned, result)
	}
}

func TestAnObjectThatIsBeingDeletedIsPlannedFor(t *testing.T) {
	s := newStage(t)
	looptest.Edit(s.World, "somebody", s.pod(), func(p *corev1.Pod) { p.Finalizers = []string{"example.org/hold"} })
	s.deletePod(t)
	if s.passWithCache(t); s.planned != 1 {
		t.Errorf("planned %d times for an object with a finalizer, want once", s.planned)
	}
}

func TestAPanicIsThePassOwn(t *testing.T) {
	for _, tt := range []struct {
		name string
		plan func(p *plan.Plan, pod *corev1.Pod)
	}{
		{"in a plan", func(*plan.Plan, *corev1.Pod) { panic("confused") }},
		{"in one of many creates", func(p *plan.Plan, _ *corev1.Pod) {
			p.Create("missing", aConfigMap("a"), aConfigMap("b")).Succeeded(func(client.Object) plan.Event { panic("confused") })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.plan = tt.plan
			defer func() {
				if got := recover(); got != "confused" {
					t.Errorf("the pass panics with %v, want the panic of its controller", got)
				}
			}()
			_, err := s.pass(t)
			t.Errorf("the pass ends with %v, want a panic for controller-runtime to recover", err)
		})
	}
}

func (s *stage) pod() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
}

func (s *stage) deletePod(t *testing.T) {
	t.Helper()
	if err := s.Client("somebody").Delete(t.Context(), s.pod()); err != nil {
		t.Fatal(err)
	}
}
