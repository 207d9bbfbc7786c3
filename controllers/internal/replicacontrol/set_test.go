package replicacontrol_test

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	corev1 "k8s.io/api/core/v1"
)

func TestRecounts(t *testing.T) {
	ready := gen.Ready(gen.Ago(time.Minute))
	for _, tt := range []struct {
		name    string
		was, is *ocorev1.Pod
		want    bool
	}{
		{"not for nothing", gen.Pod("a"), gen.Pod("a"), false},
		{"not for a node", gen.Pod("a"), gen.Pod("a", gen.On("n")), false},
		{"not for an address", gen.Pod("a", ready), gen.Pod("a", ready, func(pod *ocorev1.Pod) { pod.Status.PodIP = "10.0.0.1" }), false},
		{"for being ready", gen.Pod("a"), gen.Pod("a", ready), true},
		{"for being ready since another time", gen.Pod("a", ready), gen.Pod("a", gen.Ready(gen.Ago(time.Second))), true},
		{"for an end", gen.Pod("a"), gen.Pod("a", func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed }), true},
		{"for being deleted", gen.Pod("a"), gen.Pod("a", gen.Going), true},
		{"for an end while being deleted", gen.Pod("a", gen.Going), gen.Pod("a", gen.Going, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed }), true},
		{"for other labels", gen.Pod("a"), gen.Pod("a", func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"app": "other"} }), true},
		{"for another owner", gen.Pod("a"), gen.Pod("a", gen.Of(gen.ReplicaSet("web", 1), "ReplicaSet", nil)), true},
		{"for another pod of its name", gen.Pod("a"), gen.Pod("a", func(pod *ocorev1.Pod) { pod.UID = "other" }), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := replicacontrol.Recounts(tt.was, tt.is); got != tt.want {
				t.Errorf("recounts: %t, want %t", got, tt.want)
			}
		})
	}
}
