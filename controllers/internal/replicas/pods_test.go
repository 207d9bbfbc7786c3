package replicas_test

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAvailable(t *testing.T) {
	for _, test := range []struct {
		name            string
		pod             *ocorev1.Pod
		minReadySeconds int32
		want            bool
	}{
		{"a pod that is not ready is not available", gen.Pod("p", gen.On("a")), 0, false},
		{"a ready pod is available at once when nothing else is asked for", gen.Pod("p", gen.Ready(gen.Ago(0))), 0, true},
		{"a pod that was ready too shortly is not available", gen.Pod("p", gen.Ready(gen.Ago(9*time.Second))), 10, false},
		{"a pod that has just been ready for long enough is available", gen.Pod("p", gen.Ready(gen.Ago(10*time.Second))), 10, true},
		{"a pod that became ready at an unknown time is not available", gen.Pod("p", gen.Ready(metav1.Time{})), 10, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := replicas.Available(test.pod, test.minReadySeconds, gen.Now); got != test.want {
				t.Errorf("Available is %t, want %t", got, test.want)
			}
		})
	}
}

func TestUntilAvailableIsTheShortestWait(t *testing.T) {
	pods := []*ocorev1.Pod{
		gen.Pod("not-ready", gen.On("a")),
		gen.Pod("available", gen.Ready(gen.Ago(time.Minute))),
		gen.Pod("later", gen.Ready(gen.Ago(2*time.Second))),
		gen.Pod("sooner", gen.Ready(gen.Ago(7*time.Second))),
	}
	if got, ok := replicas.UntilAvailable(pods, 10, gen.Now); !ok || got != 3*time.Second {
		t.Errorf("UntilAvailable is %s, %t, want 3s", got, ok)
	}
	if got, ok := replicas.UntilAvailable(pods[:2], 10, gen.Now); ok {
		t.Errorf("UntilAvailable is %s although no pod is on its way", got)
	}
	if got, ok := replicas.UntilAvailable(pods, 0, gen.Now); ok {
		t.Errorf("UntilAvailable is %s although nothing has to be waited for", got)
	}
}

func TestWhatCountsAsAReplica(t *testing.T) {
	for _, test := range []struct {
		name                string
		pod                 *ocorev1.Pod
		active, terminating bool
	}{
		{"a pending pod counts", gen.Pod("p"), true, false},
		{"a running pod counts", gen.Pod("p", gen.On("a")), true, false},
		{"a pod that is being deleted is terminating", gen.Pod("p", gen.On("a"), gen.Going), false, true},
		{"a failed pod is neither", gen.Pod("p", gen.Phase(corev1.PodFailed)), false, false},
		{"a pod that has succeeded and is being deleted is neither", gen.Pod("p", gen.Phase(corev1.PodSucceeded), gen.Going), false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := replicas.Active(test.pod); got != test.active {
				t.Errorf("Active is %t, want %t", got, test.active)
			}
			if got := replicas.Terminating(test.pod); got != test.terminating {
				t.Errorf("Terminating is %t, want %t", got, test.terminating)
			}
		})
	}
}
