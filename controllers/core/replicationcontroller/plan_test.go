package replicationcontroller

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

func holding(pods ...*ocorev1.Pod) world {
	return world{replicacontrol.World{Claims: ownership.Claims[*ocorev1.Pod]{Held: pods}}}
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name string
		rc   *ocorev1.ReplicationController
		w    world
		want []string
	}{
		{"creates the pods that are missing", gen.ReplicationController("web", 3), holding(gen.Pod("p")),
			[]string{"create 2 Pods (default/web-*): 1 pods of 3 desired"}},
		{"deletes the pods that are missed the least", gen.ReplicationController("web", 1), holding(gen.Pod("p", gen.On("a")), gen.Pod("q")),
			[]string{"delete Pod default/q: 2 pods, 1 desired"}},
		{"does nothing when there are enough", gen.ReplicationController("web", 1), holding(gen.Pod("p")), nil},
		{"does nothing while it is being deleted", gen.ReplicationController("web", 3, gen.Deleted), holding(gen.Pod("p")), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, step := range (Controller{}).Plan(tt.rc, tt.w, gen.Now).Steps() {
				if _, reports := step.(*plan.Status); !reports {
					got = append(got, step.String()+": "+step.Why())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	rc := gen.ReplicationController("web", 3)
	rc.Generation = 5
	w := holding(gen.Pod("ready", gen.Labelled("app", "web"), gen.Ready(gen.Ago(time.Minute))), gen.Pod("new"))
	want := corev1.ReplicationControllerStatus{
		ObservedGeneration: 5, Replicas: 2, FullyLabeledReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		Conditions: []corev1.ReplicationControllerCondition{{
			Type: corev1.ReplicationControllerReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota",
			LastTransitionTime: gen.Ago(0),
		}},
	}
	if diff := cmp.Diff(want, status(rc, w, errors.New("exceeded quota"), gen.Now)); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
	rc.Status = want
	if got := status(rc, w, nil, gen.Now).Conditions; len(got) != 0 {
		t.Errorf("the failure is over, and the conditions are %v", got)
	}
}

func TestAReplicationControllerWithoutATemplateIsNotTriedAgain(t *testing.T) {
	rc := gen.ReplicationController("web", 1)
	rc.Spec.Template = nil
	var stop *engine.StopError
	if _, err := (Controller{}).Observe(t.Context(), loop.View{}, rc); !errors.As(err, &stop) || !errors.Is(err, errNoTemplate) {
		t.Errorf("observing it ends with %v", err)
	}
}
