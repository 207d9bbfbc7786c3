package disruption

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	opolicyv1 "github.com/orrery-dev/orrery/apis/policy/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// budget is one with maxUnavailable or minAvailable, as in "max 1", "min 50%".
func budget(asks string, changes ...func(*opolicyv1.PodDisruptionBudget)) *opolicyv1.PodDisruptionBudget {
	b := gen.PodDisruptionBudget("web")
	value := intstr.Parse(asks[len("max "):])
	b.Spec.MaxUnavailable, b.Spec.MinAvailable = nil, nil
	if asks[:3] == "max" {
		b.Spec.MaxUnavailable = &value
	} else {
		b.Spec.MinAvailable = &value
	}
	for _, change := range changes {
		change(b)
	}
	return b
}

// leaving writes a pod down as one that was to be deleted some time ago.
func leaving(pod string, ago time.Duration) func(*opolicyv1.PodDisruptionBudget) {
	return func(b *opolicyv1.PodDisruptionBudget) {
		b.Status.DisruptedPods = map[string]metav1.Time{pod: gen.Ago(ago)}
	}
}

// healthy are n pods that are ready.
func healthy(n int, changes ...func(*ocorev1.Pod)) []*ocorev1.Pod {
	pods := make([]*ocorev1.Pod, n)
	for i := range pods {
		pods[i] = gen.Pod(fmt.Sprintf("p%d", i), append([]func(*ocorev1.Pod){gen.Labelled("app", "web"), gen.Ready(gen.Ago(time.Minute))}, changes...)...)
	}
	return pods
}

func TestWhatMayBeEvicted(t *testing.T) {
	going := healthy(3)
	gen.Going(going[0])
	waiting := healthy(3)
	waiting[2] = gen.Pod("p2", gen.Labelled("app", "web"))
	three := map[types.UID]int32{"rs": 3}
	for _, tt := range []struct {
		name   string
		budget *opolicyv1.PodDisruptionBudget
		w      world
		// allowed, current, desired and expected are of the status.
		want [4]int32
		says string
	}{
		{"a number of those that there are", budget("min 2"), world{pods: healthy(3)}, [4]int32{1, 3, 2, 3}, "SufficientPods"},
		{"none when all are needed", budget("min 3"), world{pods: healthy(3)}, [4]int32{0, 3, 3, 3}, "InsufficientPods"},
		{"none when more are needed than there are", budget("min 5"), world{pods: healthy(3)}, [4]int32{0, 3, 5, 3}, "InsufficientPods"},
		{"a number of those that are asked for", budget("max 1"), world{pods: healthy(3), scales: three}, [4]int32{1, 3, 2, 3}, "SufficientPods"},
		{"none while one is missing already", budget("max 1"), world{pods: healthy(2), scales: three}, [4]int32{0, 2, 2, 3}, "InsufficientPods"},
		{"a part, rounded up, may be missing", budget("max 50%"), world{pods: healthy(3), scales: three}, [4]int32{2, 3, 1, 3}, "SufficientPods"},
		{"a part, rounded up, has to be there", budget("min 50%"), world{pods: healthy(3), scales: three}, [4]int32{1, 3, 2, 3}, "SufficientPods"},
		{"the replicas of all controllers count", budget("min 50%"), world{pods: healthy(3), scales: map[types.UID]int32{"rs": 3, "other": 3}}, [4]int32{0, 3, 3, 6}, "InsufficientPods"},
		{"pods that are not ready are not healthy", budget("min 2"), world{pods: waiting}, [4]int32{0, 2, 2, 3}, "InsufficientPods"},
		{"nor are pods that are being deleted", budget("min 2"), world{pods: going}, [4]int32{0, 2, 2, 3}, "InsufficientPods"},
		{"nor is one that is to be deleted", budget("min 2", leaving("p0", time.Minute)), world{pods: healthy(3)}, [4]int32{0, 2, 2, 3}, "InsufficientPods"},
		{"one that was to be and was not is", budget("min 2", leaving("p0", 3*time.Minute)), world{pods: healthy(3)}, [4]int32{1, 3, 2, 3}, "SufficientPods"},
		{"none of those that nobody asks for", budget("max 1"), world{pods: healthy(3)}, [4]int32{0, 3, 0, 0}, "InsufficientPods"},
		{"none where what is asked for is not known", budget("max 1"), world{pods: healthy(3), unscaled: errors.New("timeout")}, [4]int32{0, 0, 0, 0}, "SyncFailed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := reported(t, (Controller{}).Plan(tt.budget, tt.w, gen.Now))
			if got := [4]int32{s.DisruptionsAllowed, s.CurrentHealthy, s.DesiredHealthy, s.ExpectedPods}; got != tt.want {
				t.Errorf("allowed, current, desired and expected are %v, want %v", got, tt.want)
			}
			if s.Conditions[0].Reason != tt.says {
				t.Errorf("the condition says %+v, want %s", s.Conditions[0], tt.says)
			}
		})
	}
}

// reported is the status that a plan writes.
func reported(t *testing.T, p *plan.Plan) policyv1.PodDisruptionBudgetStatus {
	t.Helper()
	for _, step := range p.All() {
		if s, ok := step.(*plan.Status); ok {
			return s.Wanted().(*opolicyv1.PodDisruptionBudget).Status
		}
	}
	t.Fatal("the plan writes no status")
	return policyv1.PodDisruptionBudgetStatus{}
}

func TestPodsThatAreToGo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ago   time.Duration
		gone  bool
		left  map[string]metav1.Time
		event bool
		again time.Duration
	}{
		{name: "stay listed for two minutes", ago: 30 * time.Second, left: map[string]metav1.Time{"p0": gen.Ago(30 * time.Second)}, again: 91 * time.Second},
		{name: "are told of when they have not gone by then", ago: 3 * time.Minute, event: true},
		{name: "are taken off when they go", ago: 30 * time.Second, gone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pods := healthy(2)
			if tt.gone {
				gen.Going(pods[0])
			}
			p := (Controller{}).Plan(budget("min 1", leaving("p0", tt.ago)), world{pods: pods}, gen.Now)
			if diff := cmp.Diff(tt.left, reported(t, p).DisruptedPods); diff != "" {
				t.Errorf("the pods that are to go (-want +got):\n%s", diff)
			}
			told := false
			for _, step := range p.Steps() {
				told = told || step.Why() == "Pod was expected by PDB default/web to be deleted but it wasn't"
			}
			if told != tt.event {
				t.Errorf("it is told that one has not gone: %t, want %t", told, tt.event)
			}
			if again := p.Again(); (again != nil) != (tt.again != 0) || again != nil && again.After != tt.again {
				t.Errorf("the plan looks again at %+v, want in %s", again, tt.again)
			}
		})
	}
}

func TestSelects(t *testing.T) {
	pod := gen.Pod("web", gen.Labelled("app", "web"))
	for _, tt := range []struct {
		name     string
		selector *metav1.LabelSelector
		want     bool
	}{
		{"its labels", &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, true},
		{"not others'", &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}, false},
		{"everything, by an empty selector", &metav1.LabelSelector{}, true},
		{"nothing, by none", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := budget("max 1")
			b.Spec.Selector = tt.selector
			if got := selects(b, pod); got != tt.want {
				t.Errorf("it selects the pod: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestRemarks(t *testing.T) {
	unmanaged := healthy(1)
	for _, tt := range []struct {
		name string
		w    world
		want []string
	}{
		{"that there are no pods", world{}, []string{"event Normal NoPods for PodDisruptionBudget default/web"}},
		{"that nobody asks for a pod", world{pods: unmanaged}, []string{"event Warning UnmanagedPods for PodDisruptionBudget default/web"}},
		{"that a pod has several budgets", world{pods: healthy(1, owned), shared: unmanaged}, []string{"event Warning MultiplePodDisruptionBudgets for Pod default/p0"}},
		{"nothing else", world{pods: healthy(1, owned)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			remark(p, budget("max 1"), tt.w)
			var got []string
			for _, step := range p.All() {
				got = append(got, step.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

// owned makes a pod one of a ReplicaSet.
func owned(pod *ocorev1.Pod) {
	gen.Of(gen.ReplicaSet("rs", 3), "ReplicaSet", map[string]string{"app": "web"})(pod)
}
