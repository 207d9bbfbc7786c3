package podgroupprotection

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/apis/scheduling"
)

var (
	protected = gen.Finalized[*oschedulingv1beta1.PodGroup](finalizer)
	deleted   = gen.Deleted[*oschedulingv1beta1.PodGroup]
)

func TestPlan(t *testing.T) {
	const remove = "remove finalizer scheduling.k8s.io/podgroup-protection from PodGroup default/gang: it is being deleted, and nobody uses it"
	const kept = "nothing to do: it is being deleted, and pod web uses it"
	for _, tt := range []struct {
		name  string
		group []func(*oschedulingv1beta1.PodGroup)
		pods  []*ocorev1.Pod
		want  string
	}{
		{"a group without the finalizer gets it", nil, nil,
			"add finalizer scheduling.k8s.io/podgroup-protection to PodGroup default/gang: it must not go away while it is in use"},
		{"one that has it and stays is left alone", []func(*oschedulingv1beta1.PodGroup){protected}, nil, "nothing to do"},
		{"a deleted group without pods goes", []func(*oschedulingv1beta1.PodGroup){protected, deleted}, nil, remove},
		{"one with pods of another group goes", []func(*oschedulingv1beta1.PodGroup){protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.InPodGroup("band")), gen.Pod("db")}, remove},
		{"one with a pod that waits stays", []func(*oschedulingv1beta1.PodGroup){protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.InPodGroup("gang"))}, kept},
		{"so does one with a pod that is being deleted", []func(*oschedulingv1beta1.PodGroup){protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.InPodGroup("gang"), gen.On("a"), gen.Going)}, kept},
		{"one whose pods have ended goes", []func(*oschedulingv1beta1.PodGroup){protected, deleted},
			[]*ocorev1.Pod{gen.Pod("web", gen.InPodGroup("gang"), gen.Phase(corev1.PodFailed)), gen.Pod("db", gen.InPodGroup("gang"), gen.Phase(corev1.PodSucceeded))}, remove},
		{"what others keep is theirs", []func(*oschedulingv1beta1.PodGroup){gen.Finalized[*oschedulingv1beta1.PodGroup]("example.com/mine"), deleted}, nil, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pods []ocorev1.Pod
			for _, pod := range tt.pods {
				pods = append(pods, *pod)
			}
			group := gen.PodGroup("gang", tt.group...)
			if got := (Controller{}).Plan(group, world{holderOf(group, pods)}, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTheFinalizerIsKubernetes(t *testing.T) {
	if finalizer != scheduling.PodGroupProtectionFinalizer {
		t.Errorf("it is %s, want %s", finalizer, scheduling.PodGroupProtectionFinalizer)
	}
}
