package replicaset

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podcontrol"
	"github.com/orrery-dev/orrery/controllers/internal/replicacontrol"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name string
		rs   *oappsv1.ReplicaSet
		w    world
		want []string
	}{
		{"creates the pods that are missing", gen.ReplicaSet("web", 3), holding(gen.Pod("p")),
			[]string{"create 2 Pods (default/web-*): 1 pods of 3 desired"}},
		{"deletes the pods that are missed the least", gen.ReplicaSet("web", 1), holding(gen.Pod("p", gen.On("a")), gen.Pod("q")),
			[]string{"delete Pod default/q: 2 pods, 1 desired"}},
		{"does nothing when there are enough", gen.ReplicaSet("web", 1), holding(gen.Pod("p")), nil},
		{"takes fewer than none for none", gen.ReplicaSet("web", -1), world{}, nil},
		{"refuses to make pods that it does not select", gen.ReplicaSet("web", 1, func(rs *oappsv1.ReplicaSet) { rs.Spec.Selector = nil }), world{},
			[]string{"refuse to create pods for default/web: 0 pods of 1 desired, but `selector` does not match template `labels`"}},
		{"creates no more than 500 at a time", gen.ReplicaSet("web", 501), world{},
			[]string{"create 500 Pods (default/web-*): 0 pods of 501 desired"}},
		{"does nothing while it is being deleted", gen.ReplicaSet("web", 3, going), holding(gen.Pod("p")), nil},
		{"settles claims before anything else", gen.ReplicaSet("web", 3),
			world{replicacontrol.World{Claims: ownership.Claims[*ocorev1.Pod]{Wanted: []*ocorev1.Pod{gen.Pod("p")}}}},
			[]string{"adopt p for default/web: its selector matches, and nobody controls them"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, step := range (Controller{}).Plan(test.rs, test.w, gen.Now).Steps() {
				if _, reports := step.(*plan.Status); !reports {
					got = append(got, step.String()+": "+step.Why())
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatusCountsPods(t *testing.T) {
	rs := gen.ReplicaSet("web", 4)
	rs.Generation = 5
	rs.Spec.MinReadySeconds = 10
	rs.Spec.Template.Labels["tier"] = "front"
	labelled := gen.Labelled("tier", "front")
	w := holding(
		gen.Pod("available", gen.Labelled("app", "web"), labelled, gen.Ready(gen.Ago(time.Minute))),
		gen.Pod("ready", gen.Labelled("app", "web"), gen.Ready(gen.Ago(3*time.Second))),
		gen.Pod("running", gen.Labelled("app", "web"), labelled, gen.On("a")),
	)
	w.Terminating = []*ocorev1.Pod{gen.Pod("going", gen.Going)}
	one := int32(1)
	want := appsv1.ReplicaSetStatus{
		ObservedGeneration: 5, Replicas: 3, FullyLabeledReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 1, TerminatingReplicas: &one,
	}
	if diff := cmp.Diff(want, status(rs, w, nil, gen.Now)); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
	if again := (Controller{}).Plan(rs, w, gen.Now).Again(); again == nil || again.After != 7*time.Second {
		t.Errorf("the plan looks again at %+v, want in 7s", again)
	}
}

func TestReplicaFailure(t *testing.T) {
	quota := fmt.Errorf("creating Pod default/web-*: %w",
		apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web-x", errors.New("exceeded quota")))
	earlier := appsv1.ReplicaSetCondition{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: podcontrol.ReasonFailedCreate, Message: "earlier",
		LastTransitionTime: gen.Ago(time.Hour),
	}
	ending := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web-x", errors.New("being terminated"))
	ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for _, test := range []struct {
		name   string
		pods   []*ocorev1.Pod
		before []appsv1.ReplicaSetCondition
		failed error
		want   string
	}{
		{"says in the API server's words why pods cannot be created", nil, nil, quota,
			`FailedCreate: pods "web-x" is forbidden: exceeded quota`},
		{"says why pods cannot be deleted", []*ocorev1.Pod{gen.Pod("p"), gen.Pod("q")}, nil, errors.New("connection refused"),
			"FailedDelete: unable to delete pods: connection refused"},
		{"keeps the first failure", nil, []appsv1.ReplicaSetCondition{earlier}, quota, "FailedCreate: earlier"},
		{"goes away with the failure", nil, []appsv1.ReplicaSetCondition{earlier}, nil, ""},
		{"does not speak of a namespace that is being deleted", nil, nil, ending, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			rs := gen.ReplicaSet("web", 1)
			rs.Status.Conditions = test.before
			got := ""
			for _, c := range status(rs, holding(test.pods...), test.failed, gen.Now).Conditions {
				got += c.Reason + ": " + c.Message
			}
			if got != test.want {
				t.Errorf("ReplicaFailure is %q, want %q", got, test.want)
			}
		})
	}
}

func holding(pods ...*ocorev1.Pod) world {
	return world{replicacontrol.World{Claims: ownership.Claims[*ocorev1.Pod]{Held: pods}}}
}

func going(rs *oappsv1.ReplicaSet) {
	at := gen.Ago(time.Second)
	rs.DeletionTimestamp = &at
}
