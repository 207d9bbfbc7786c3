package ownership_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var (
	web       = map[string]string{"app": "web"}
	somebody  = gen.ReplicaSet("somebody", 1)
	ownersPod = func(name string, labels map[string]string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
		return gen.Pod(name, append(changes, gen.Of(gen.ReplicaSet("web", 1), "ReplicaSet", labels))...)
	}
)

func TestClaim(t *testing.T) {
	going := func(rs *oappsv1.ReplicaSet) {
		at := gen.Ago(time.Second)
		rs.DeletionTimestamp = &at
	}
	pods := []*ocorev1.Pod{
		ownersPod("mine", web),
		ownersPod("mine-and-going", web, gen.Going),
		ownersPod("mine-no-more", map[string]string{"app": "debug"}),
		gen.Pod("orphan", gen.Labelled("app", "web")),
		gen.Pod("orphan-and-going", gen.Labelled("app", "web"), gen.Going),
		gen.Pod("stranger", gen.Labelled("app", "other")),
		gen.Pod("somebodys", gen.Of(somebody, "ReplicaSet", web)),
	}
	for _, test := range []struct {
		name                   string
		owner                  *oappsv1.ReplicaSet
		held, wanted, unwanted []string
	}{
		{"an owner holds, adopts and releases", gen.ReplicaSet("web", 1),
			[]string{"mine", "mine-and-going"}, []string{"orphan"}, []string{"mine-no-more"}},
		{"an owner that is being deleted only holds", gen.ReplicaSet("web", 1, going),
			[]string{"mine", "mine-and-going"}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := ownership.Claim(test.owner, labels.SelectorFromSet(web), pods)
			got := [][]string{names(c.Held), names(c.Wanted), names(c.Unwanted)}
			if diff := cmp.Diff([][]string{test.held, test.wanted, test.unwanted}, got); diff != "" {
				t.Errorf("held, wanted and unwanted (-want +got):\n%s", diff)
			}
			if want := test.wanted != nil; c.Open() != want {
				t.Errorf("Open is %t, want %t", c.Open(), want)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	pods := []*ocorev1.Pod{
		ownersPod("mine", web), ownersPod("mine-and-going", web, gen.Going),
		ownersPod("mine-no-more", map[string]string{"app": "debug"}), gen.Pod("orphan", gen.Labelled("app", "web")),
	}
	all := ownership.Claim(gen.ReplicaSet("web", 1), labels.SelectorFromSet(web), pods)
	going := all.Where(func(pod *ocorev1.Pod) bool { return pod.DeletionTimestamp != nil })
	if diff := cmp.Diff([]string{"mine-and-going"}, names(going.Held)); diff != "" || going.Open() {
		t.Errorf("held are (-want +got), and claims are open: %t\n%s", going.Open(), diff)
	}
	if len(all.Held) != 2 || !all.Open() {
		t.Errorf("choosing changed what was chosen from: %d are held", len(all.Held))
	}
}

func TestAdoptable(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: web}
	for _, test := range []struct {
		name     string
		pod      *ocorev1.Pod
		selector *metav1.LabelSelector
		want     bool
	}{
		{"an orphan that matches is", gen.Pod("p", gen.Labelled("app", "web")), selector, true},
		{"an orphan that does not match is not", gen.Pod("p", gen.Labelled("app", "other")), selector, false},
		{"what has a controller is not", gen.Pod("p", gen.Of(somebody, "ReplicaSet", web)), selector, false},
		{"an empty selector adopts nothing", gen.Pod("p", gen.Labelled("app", "web")), &metav1.LabelSelector{}, false},
		{"an invalid selector adopts nothing", gen.Pod("p", gen.Labelled("app", "web")), &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Near"}},
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ownership.Adoptable(test.pod, test.selector); got != test.want {
				t.Errorf("Adoptable is %t, want %t", got, test.want)
			}
		})
	}
}

func names(pods []*ocorev1.Pod) []string {
	var out []string
	for _, pod := range pods {
		out = append(out, pod.Name)
	}
	return out
}
