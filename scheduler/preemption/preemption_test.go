package preemption_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// pod has a priority, and started so many minutes before noon; a negative number means not yet.
func pod(name string, priority int32, minutes int) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Labels: map[string]string{"app": strings.TrimRight(name, "0123456789")}},
		Spec:       corev1.PodSpec{Priority: &priority},
	}
	if minutes >= 0 {
		pod.Status.StartTime = ptr.To(metav1.NewTime(noon.Add(-time.Duration(minutes) * time.Minute)))
	}
	return pod
}

func victim(kind fwk.EntityKeyType, priority int32, pods ...*corev1.Pod) *preemption.Victim {
	var infos []fwk.PodInfo
	for _, pod := range pods {
		info, _ := nodeinfo.NewPodInfo(pod)
		infos = append(infos, info)
	}
	return preemption.NewVictim(kind, priority, noon, infos...)
}

func single(name string, priority int32, minutes int) *preemption.Victim {
	return victim(fwk.PodKeyType, priority, pod(name, priority, minutes))
}

// seats is a place with so many seats, in which each pod takes one and the preemptor needs some.
type seats struct {
	all, taken, needed int
	broken             error
	tried              []string
}

func (s *seats) Clear(_ context.Context, victims []*preemption.Victim) *fwk.Status {
	for _, victim := range victims {
		s.taken -= len(victim.Pods)
	}
	if s.taken+s.needed > s.all {
		return fwk.NewStatus(fwk.Unschedulable, "not enough seats")
	}
	return nil
}

func (s *seats) Reprieve(_ context.Context, victim *preemption.Victim) (bool, error) {
	s.tried = append(s.tried, victim.Pods[0].GetPod().Name)
	if s.taken+len(victim.Pods)+s.needed > s.all {
		return false, s.broken
	}
	s.taken += len(victim.Pods)
	return true, s.broken
}

func budget(app string, allowed int32, disrupted ...string) *policyv1.PodDisruptionBudget {
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: app}}
	budget.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	budget.Status.DisruptionsAllowed = allowed
	budget.Status.DisruptedPods = map[string]metav1.Time{}
	for _, name := range disrupted {
		budget.Status.DisruptedPods[name] = metav1.Now()
	}
	return budget
}

func TestSelect(t *testing.T) {
	elsewhere := budget("web", 0)
	elsewhere.Namespace = "other"
	everything, broken := budget("web", 0), budget("web", 0)
	everything.Spec.Selector = &metav1.LabelSelector{}
	broken.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}}
	group := func(name string, minutes ...int) *preemption.Victim {
		var pods []*corev1.Pod
		for i, m := range minutes {
			pods = append(pods, pod(fmt.Sprintf("%s%d", name, i), 0, m))
		}
		return victim(fwk.PodGroupKeyType, 5, pods...)
	}
	for _, test := range []struct {
		name       string
		needed     int
		victims    []*preemption.Victim
		budgets    []*policyv1.PodDisruptionBudget
		want       []string
		violations int
		tried      string // the order of reprieves
	}{
		{
			name: "takes the lowest priority", needed: 1,
			victims: []*preemption.Victim{single("low", 1, 9), single("high", 3, 9), single("mid", 2, 9)},
			want:    []string{"low"}, tried: "high mid low",
		},
		{
			name: "takes what started last where priorities are equal", needed: 1,
			victims: []*preemption.Victim{single("new", 5, 1), single("unborn", 5, -1), single("old", 5, 30)},
			want:    []string{"unborn"}, tried: "old new unborn",
		},
		{
			name: "takes as many as it needs, the more important first", needed: 2,
			victims: []*preemption.Victim{single("a", 1, 9), single("b", 3, 9), single("c", 2, 9)},
			want:    []string{"c", "a"}, tried: "b c a",
		},
		{
			name: "takes a more important pod before it violates a budget", needed: 1,
			victims: []*preemption.Victim{single("web", 1, 9), single("db", 3, 9)},
			budgets: []*policyv1.PodDisruptionBudget{budget("web", 0)},
			want:    []string{"db"}, tried: "web db",
		},
		{
			name: "violates a budget where it must", needed: 2,
			victims: []*preemption.Victim{single("web", 1, 9), single("db", 3, 9)},
			budgets: []*policyv1.PodDisruptionBudget{budget("web", 0)},
			want:    []string{"db", "web"}, violations: 1, tried: "web db",
		},
		{
			name: "uses a budget up with the more important pods", needed: 2,
			victims: []*preemption.Victim{single("web1", 1, 9), single("web2", 2, 9), single("web3", 3, 9)},
			budgets: []*policyv1.PodDisruptionBudget{budget("web", 1)},
			want:    []string{"web3", "web1"}, violations: 1, tried: "web2 web1 web3",
		},
		{
			name: "does not count a pod twice whose disruption is known", needed: 2,
			victims: []*preemption.Victim{single("web1", 1, 9), single("web2", 2, 9)},
			budgets: []*policyv1.PodDisruptionBudget{budget("web", 1, "web2")},
			want:    []string{"web2", "web1"}, tried: "web2 web1",
		},
		{
			name: "heeds no budget of another namespace, for everything, or that cannot be read", needed: 1,
			victims: []*preemption.Victim{single("web", 1, 9), single("db", 3, 9)},
			budgets: []*policyv1.PodDisruptionBudget{elsewhere, everything, broken},
			want:    []string{"web"}, tried: "db web",
		},
		{
			name: "takes a pod before a group of the same priority", needed: 1,
			victims: []*preemption.Victim{single("old", 5, 60), group("gang", 1, 2)},
			want:    []string{"old"}, tried: "gang0 old",
		},
		{
			name: "takes the smaller group, and all of it", needed: 1,
			victims: []*preemption.Victim{group("small", 60, 50), group("big", 1, 2, 3)},
			want:    []string{"small0", "small1"}, tried: "big0 small0",
		},
		{
			name: "takes the group that began later", needed: 1,
			victims: []*preemption.Victim{group("late", 1, 9), group("early", 1, 10)},
			want:    []string{"late0", "late1"}, tried: "early0 late0",
		},
		{
			name: "counts each pod of a group against its budget", needed: 1,
			victims: []*preemption.Victim{group("gang", 1, 1)},
			budgets: []*policyv1.PodDisruptionBudget{budget("gang", 0)},
			want:    []string{"gang0", "gang1"}, violations: 2, tried: "gang0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			place := &seats{needed: test.needed}
			for _, victim := range test.victims {
				place.all += len(victim.Pods)
			}
			place.taken = place.all
			selection, status := preemption.Select(t.Context(), place, test.victims, preemption.NewBudgets(test.budgets))
			if !status.IsSuccess() {
				t.Fatal(status.AsError())
			}
			var got []string
			for _, pod := range selection.Pods() {
				got = append(got, pod.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || selection.Violations != test.violations {
				t.Errorf("%d violations, want %d; victims differ (-want +got):\n%s", selection.Violations, test.violations, diff)
			}
			if tried := strings.Join(place.tried, " "); tried != test.tried {
				t.Errorf("reprieves in the order %q, want %q", tried, test.tried)
			}
		})
	}
	t.Run("says why the preemptor does not fit even then", func(t *testing.T) {
		place := &seats{all: 2, taken: 1, needed: 3}
		_, status := preemption.Select(t.Context(), place, []*preemption.Victim{single("a", 1, 1)}, nil)
		if status.Code() != fwk.Unschedulable || status.Message() != "not enough seats" {
			t.Errorf("got %v", status)
		}
	})
	t.Run("says that a trial broke", func(t *testing.T) {
		place := &seats{all: 2, taken: 1, needed: 1, broken: errors.New("lost a seat")}
		_, status := preemption.Select(t.Context(), place, []*preemption.Victim{single("a", 1, 1)}, nil)
		if status.Code() != fwk.Error || status.Message() != "lost a seat" {
			t.Errorf("got %v", status)
		}
	})
}

func TestChoose(t *testing.T) {
	from := func(place string, violations int64, pods ...*corev1.Pod) *preemption.Candidate {
		return &preemption.Candidate{Place: place, Violations: violations, Pods: pods}
	}
	for _, test := range []struct {
		name       string
		candidates []*preemption.Candidate
		want       string
	}{
		{
			"takes the only one",
			[]*preemption.Candidate{from("n1", 3, pod("a", 9, 1))},
			"preempting 1 pod from n1, the only candidate",
		},
		{
			"takes the fewest violations before all else",
			[]*preemption.Candidate{from("n1", 1, pod("a", 0, 1)), from("n2", 0, pod("b", 9, 1), pod("c", 9, 1))},
			"preempting 2 pods from n2, which of 2 candidates has the fewest violations of PodDisruptionBudgets: 0, where the next has 1",
		},
		{
			"then the lowest priority of the most important victim",
			[]*preemption.Candidate{from("n1", 0, pod("a", 5, 1)), from("n2", 0, pod("b", 4, 1), pod("c", 4, 1)), from("n3", 0, pod("d", 6, 1))},
			"preempting 2 pods from n2, which of 3 candidates has the lowest priority of its most important victim: 4, where the next has 5",
		},
		{
			"then the lowest sum of priorities, where a pod more is always worse",
			[]*preemption.Candidate{from("n1", 0, pod("a", -5, 1), pod("b", -5, 1)), from("n2", 0, pod("c", -5, 1))},
			"preempting 1 pod from n2, which of 2 candidates has the lowest sum of its victims' priorities, each counted from the lowest that there can be: 2147483643, where the next has 4294967286",
		},
		{
			"then the latest start of the most important victims",
			[]*preemption.Candidate{from("n1", 0, pod("a", 5, 10), pod("b", 1, 1)), from("n2", 0, pod("c", 5, 9), pod("d", 1, 60))},
			"preempting 2 pods from n2, which of 2 candidates has the latest start of its most important victims: 2026-01-01T11:51:00Z, where the next has 2026-01-01T11:50:00Z",
		},
		{
			"then the first",
			[]*preemption.Candidate{from("n2", 0, pod("a", 5, -1)), from("n1", 0, pod("b", 5, 0)), from("n3", 1, pod("b", 5, 0))},
			"preempting 1 pod from n2, one of several equally good of 3 candidates",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := preemption.Choose(test.candidates, noon).String(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTerminating(t *testing.T) {
	preempted := corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler}
	evicted := preempted
	evicted.Reason = "EvictionByEvictionAPI"
	for _, test := range []struct {
		name    string
		deleted bool
		why     []corev1.PodCondition
		want    bool
	}{
		{"a pod that runs", false, []corev1.PodCondition{preempted}, false},
		{"a pod that somebody deleted", true, nil, false},
		{"a pod that was evicted", true, []corev1.PodCondition{evicted}, false},
		{"a pod that was preempted", true, []corev1.PodCondition{{Type: corev1.PodReady}, preempted}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pod("a", 1, 1)
			pod.Status.Conditions = test.why
			if test.deleted {
				pod.DeletionTimestamp = ptr.To(metav1.Now())
			}
			if got := preemption.Terminating(pod); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
