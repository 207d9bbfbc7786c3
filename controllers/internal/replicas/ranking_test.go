package replicas_test

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
)

func TestExpendable(t *testing.T) {
	longAgo, lately := gen.Ago(24*time.Hour), gen.Ago(time.Minute)
	for _, test := range []struct {
		name        string
		first, then *ocorev1.Pod
	}{
		{"a pod without a node goes before one with a node",
			gen.Pod("b"), gen.Pod("a", gen.On("n"), gen.Phase(corev1.PodPending))},
		{"a pending pod goes before one of unknown phase",
			gen.Pod("b", gen.On("n"), gen.Phase(corev1.PodPending)), gen.Pod("a", gen.On("n"), gen.Phase(corev1.PodUnknown))},
		{"a pod of unknown phase goes before a running one",
			gen.Pod("b", gen.On("n"), gen.Phase(corev1.PodUnknown)), gen.Pod("a", gen.On("n"))},
		{"a pod that is not ready goes before a ready one, even if it costs more",
			gen.Pod("b", gen.On("n"), gen.DeletionCost(100)), gen.Pod("a", gen.Ready(longAgo))},
		{"of ready pods the cheaper goes first",
			gen.Pod("b", gen.Ready(longAgo), gen.DeletionCost(-1)), gen.Pod("a", gen.Ready(lately))},
		{"of equally cheap pods the one with more siblings on its node goes first",
			gen.Pod("b", gen.On("crowded"), gen.Ready(longAgo)), gen.Pod("a", gen.On("lonely"), gen.Ready(lately))},
		{"a pod that became ready lately goes before one that did long ago",
			gen.Pod("b", gen.On("n"), gen.Ready(lately)), gen.Pod("a", gen.On("n"), gen.Ready(longAgo))},
		{"of pods ready for about as long the UID decides",
			gen.Pod("a", gen.On("n"), gen.Ready(gen.Ago(1000*time.Second))), gen.Pod("b", gen.On("n"), gen.Ready(gen.Ago(900*time.Second)))},
		{"a pod with more restarts goes before one with fewer",
			gen.Pod("b", gen.On("n"), gen.Restarts(3)), gen.Pod("a", gen.On("n"), gen.Restarts(2))},
		{"a young pod goes before an old one",
			gen.Pod("b", gen.On("n"), gen.Created(lately)), gen.Pod("a", gen.On("n"), gen.Created(longAgo))},
	} {
		t.Run(test.name, func(t *testing.T) {
			siblings := []*ocorev1.Pod{
				gen.Pod("s1", gen.On("crowded")), gen.Pod("s2", gen.On("crowded")), gen.Pod("s3", gen.On("lonely")),
				gen.Pod("s4", gen.On("lonely"), gen.Going), gen.Pod("s5", gen.On("lonely"), gen.Phase(corev1.PodFailed)),
			}
			for _, pods := range [][]*ocorev1.Pod{{test.first, test.then}, {test.then, test.first}} {
				got := replicas.Expendable(pods, siblings, 1, gen.Now)
				if len(got) != 1 || got[0] != test.first {
					t.Errorf("Expendable chose %v of %s and %s, want %s", names(got), pods[0].Name, pods[1].Name, test.first.Name)
				}
			}
		})
	}
}

func TestExpendableReturnsAllWhenAskedForMore(t *testing.T) {
	pods := []*ocorev1.Pod{gen.Pod("a"), gen.Pod("b")}
	if got := replicas.Expendable(pods, nil, 5, gen.Now); len(got) != 2 {
		t.Errorf("Expendable returned %v, want both pods", names(got))
	}
}

func names(pods []*ocorev1.Pod) []string {
	var out []string
	for _, pod := range pods {
		out = append(out, pod.Name)
	}
	return out
}
