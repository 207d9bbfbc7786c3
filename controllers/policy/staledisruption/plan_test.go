package staledisruption

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podstatus"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
)

func about(reason string, ago time.Duration) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { podstatus.Disrupt(pod, reason, "it has to go", gen.Ago(ago).Time) }
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name string
		pod  *ocorev1.Pod
		want string
	}{
		{"a pod that nobody disrupts is left alone", gen.Pod("web"), "nothing to do"},
		{"one that may go yet is looked at when its time is over", gen.Pod("web", about("EvictionByEvictionAPI", 90*time.Second)),
			"nothing to do\nlook again in 30s: it was to be disrupted, and may be yet"},
		{"one that has not gone goes on", gen.Pod("web", about("EvictionByEvictionAPI", 2*time.Minute)),
			`status Pod default/web {"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2030-01-02T03:04:05Z","observedGeneration":1,"status":"False","type":"DisruptionTarget"}]}}`},
		{"one that is being deleted goes", gen.Pod("web", about("EvictionByEvictionAPI", time.Hour), gen.Going), "nothing to do"},
		{"one that has ended has gone", gen.Pod("web", about("EvictionByEvictionAPI", time.Hour), gen.Phase(corev1.PodFailed)), "nothing to do"},
		{"the word of the node agent stands", gen.Pod("web", about(corev1.PodReasonTerminationByKubelet, time.Hour)), "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := Controller{}.Observe(t.Context(), loop.View{}, tt.pod)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(tt.pod, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
