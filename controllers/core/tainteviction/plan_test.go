package tainteviction

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

func tolerates(key string, seconds ...int64) corev1.Toleration {
	toleration := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
	if len(seconds) > 0 {
		toleration.TolerationSeconds = &seconds[0]
	}
	return toleration
}

func pod(tolerations ...corev1.Toleration) *ocorev1.Pod {
	return &ocorev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec:       corev1.PodSpec{NodeName: "a", Tolerations: tolerations},
	}
}

func TestPlan(t *testing.T) {
	since := func(key string, age time.Duration) taint {
		return taint{corev1.Taint{Key: key, Effect: corev1.TaintEffectNoExecute}, noon.Add(-age)}
	}
	const evicts, nothing = "evicts", "nothing"
	for _, test := range []struct {
		name   string
		pod    *ocorev1.Pod
		taints []taint
		want   string
	}{
		{"without taints a pod stays", pod(), nil, nothing},
		{"a pod that does not tolerate a taint goes", pod(), []taint{since("x", 0)}, evicts},
		{"one that tolerates it stays for ever", pod(tolerates("x")), []taint{since("x", time.Hour)}, nothing},
		{"one that tolerates another goes", pod(tolerates("y")), []taint{since("x", 0)}, evicts},
		{"one that tolerates one of two goes", pod(tolerates("x")), []taint{since("x", 0), since("y", 0)}, evicts},
		{"one that tolerates it for a while waits", pod(tolerates("x", 300)), []taint{since("x", time.Minute)}, "4m0s"},
		{"and then goes", pod(tolerates("x", 300)), []taint{since("x", 5*time.Minute)}, evicts},
		{"the shortest of its tolerations counts", pod(tolerates("x", 300), tolerates("", 10), tolerates("x")), []taint{since("x", 5*time.Second)}, "5s"},
		{"the taint that ends first counts", pod(tolerates("", 60)), []taint{since("x", 0), since("y", 20*time.Second)}, "40s"},
		{"seconds below zero are none", pod(tolerates("x", -5)), []taint{since("x", 0)}, evicts},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Controller{}.Plan(test.pod, world{test.taints}, noon)
			got := nothing
			switch {
			case !p.Empty():
				got = evicts
			case p.Again() != nil:
				got = p.Again().After.String()
			}
			if got != test.want {
				t.Errorf("the plan is %s, want %s:\n%s", got, test.want, p)
			}
		})
	}
}

func TestAnEvictionSaysWhy(t *testing.T) {
	w := world{[]taint{{corev1.Taint{Key: "x", Effect: corev1.TaintEffectNoExecute}, noon}}}
	got := Controller{}.Plan(pod(), w, noon).String()
	want := strings.Join([]string{
		`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2026-01-01T12:00:00Z","message":"Taint manager: deleting due to NoExecute taint","reason":"DeletionByTaintManager","status":"True","type":"DisruptionTarget"}]}}`,
		"event Normal TaintManagerEviction for Pod default/web: Marking for deletion Pod default/web",
		"delete Pod default/web: node a has the taint x:NoExecute, which is tolerated for 0s",
	}, "\n")
	if got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}
