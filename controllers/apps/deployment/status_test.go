package deployment

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestProgressing(t *testing.T) {
	const one, two = "web:1", "web:2"
	nameOf := func(image string) string { return newReplicaSet(web(gen.Image(image))).Name }
	for _, test := range []struct {
		name   string
		d      *oappsv1.Deployment
		sets   []*oappsv1.ReplicaSet
		failed error
		want   string
	}{
		{
			"says that a new ReplicaSet was created",
			web(), nil, nil,
			"True NewReplicaSetCreated: Created new replica set \"" + nameOf(one) + "\"",
		}, {
			"says why a new ReplicaSet could not be created",
			web(), nil, fmt.Errorf("creating it: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "replicasets"}, "x", errors.New("quota"))),
			"False ReplicaSetCreateError: Failed to create new replica set \"" + nameOf(one) + "\": replicasets \"x\" is forbidden: quota",
		}, {
			"says that a ReplicaSet was found when nothing was said before",
			web(gen.Replicas(2)), sets(set(one, 2, 0, exist(0))), nil,
			"True FoundNewReplicaSet: Found new replica set \"" + nameOf(one) + "\"",
		}, {
			"says that the rollout moves when there are more new pods",
			web(gen.Replicas(2), saying(corev1.ConditionTrue, reasonNewReplicaSet, time.Hour)), sets(set(one, 2, 0)), nil,
			"True ReplicaSetUpdated: ReplicaSet \"" + nameOf(one) + "\" is progressing.",
		}, {
			"says that the rollout is complete",
			web(gen.Replicas(2), saying(corev1.ConditionTrue, reasonReplicaSetUpdated, time.Minute)), sets(set(one, 2, 2)), nil,
			"True NewReplicaSetAvailable: ReplicaSet \"" + nameOf(one) + "\" has successfully progressed.",
		}, {
			"keeps a rollout complete when pods are lost later",
			web(gen.Replicas(2), saying(corev1.ConditionTrue, reasonNewReplicaSetAvailable, time.Hour)), sets(set(one, 2, 1)), nil,
			"True NewReplicaSetAvailable: earlier",
		}, {
			"says that a rollout that stands still for too long has failed",
			web(gen.Replicas(2), saying(corev1.ConditionTrue, reasonReplicaSetUpdated, 601*time.Second), reporting(2, 2)), sets(set(one, 2, 0)), nil,
			"False ProgressDeadlineExceeded: ReplicaSet \"" + nameOf(one) + "\" has timed out progressing.",
		}, {
			"waits for the deadline",
			web(gen.Replicas(2), saying(corev1.ConditionTrue, reasonReplicaSetUpdated, 600*time.Second), reporting(2, 2)), sets(set(one, 2, 0)), nil,
			"True ReplicaSetUpdated: earlier",
		}, {
			"says that the Deployment is paused",
			web(gen.Replicas(2), gen.Paused, saying(corev1.ConditionTrue, reasonReplicaSetUpdated, time.Hour)), sets(set(one, 2, 0)), nil,
			"Unknown DeploymentPaused: Deployment is paused",
		}, {
			"does not forgive a failure for a pause",
			web(gen.Replicas(2), gen.Paused, saying(corev1.ConditionFalse, reasonDeadlineExceeded, time.Hour)), sets(set(one, 2, 0)), nil,
			"False ProgressDeadlineExceeded: earlier",
		}, {
			"says that the Deployment is resumed, and starts the deadline anew",
			web(gen.Replicas(2), saying(corev1.ConditionUnknown, reasonPaused, time.Hour), reporting(2, 2)), sets(set(one, 2, 0)), nil,
			"Unknown DeploymentResumed: Deployment is resumed",
		}, {
			"says nothing without a deadline",
			web(gen.Replicas(2), gen.NoDeadline, saying(corev1.ConditionTrue, reasonReplicaSetUpdated, time.Hour)), sets(set(two, 2, 0)), nil,
			"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRollout(test.d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: test.sets}}, gen.Now)
			said := report{rollout: r, steps: r.rollingUpdate(), rolling: true}
			if test.d.Spec.Paused {
				said = report{rollout: r, steps: r.whilePaused()}
			}
			got := ""
			if c := (&conditions{list: said.status(test.failed).Conditions}).find(appsv1.DeploymentProgressing); c != nil {
				got = fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
			}
			if got != test.want {
				t.Errorf("Progressing is\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestStatusAddsUpWhatReplicaSetsReport(t *testing.T) {
	d := web(gen.Image("web:2"), gen.Replicas(5))
	d.Generation = 7
	r := newRollout(d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{
		Held: sets(set("web:1", 3, 2, terminates(1)), set("web:2", 3, 1, exist(2), terminates(0))),
	}}, gen.Now)
	got := report{rollout: r}.status(nil)
	got.Conditions = nil
	one := int32(1)
	want := appsv1.DeploymentStatus{
		ObservedGeneration: 7, Replicas: 5, UpdatedReplicas: 2, ReadyReplicas: 3, AvailableReplicas: 3, UnavailableReplicas: 3,
		TerminatingReplicas: &one,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the status is not as wanted (-want +got):\n%s", diff)
	}
}

func TestAvailable(t *testing.T) {
	for _, test := range []struct {
		name      string
		available int32
		want      string
	}{
		{"is false one pod below the least number", 2, "False MinimumReplicasUnavailable: Deployment does not have minimum availability."},
		{"is true at the least number", 3, "True MinimumReplicasAvailable: Deployment has minimum availability."},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := web(gen.Replicas(4), gen.Unavailable("25%"))
			r := newRollout(d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: sets(set("web:1", 4, test.available))}}, gen.Now)
			c := (&conditions{list: report{rollout: r}.status(nil).Conditions}).find(appsv1.DeploymentAvailable)
			if got := fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message); got != test.want {
				t.Errorf("Available is %q, want %q", got, test.want)
			}
		})
	}
}

func TestReplicaFailurePrefersTheNewReplicaSet(t *testing.T) {
	failing := func(message string) func(*oappsv1.ReplicaSet) {
		return func(rs *oappsv1.ReplicaSet) {
			rs.Status.Conditions = []appsv1.ReplicaSetCondition{{
				Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: message,
			}}
		}
	}
	d := web(gen.Image("web:2"), gen.Replicas(2))
	r := newRollout(d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{
		Held: sets(set("web:1", 2, 1, failing("old")), set("web:2", 1, 0, failing("new"))),
	}}, gen.Now)
	d.Status = report{rollout: r, steps: r.rollingUpdate(), rolling: true}.status(nil)
	if c := (&conditions{list: d.Status.Conditions}).find(appsv1.DeploymentReplicaFailure); c == nil || c.Message != "new" {
		t.Fatalf("ReplicaFailure is %+v, want that of the new ReplicaSet", c)
	}
	healed := newRollout(d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: sets(set("web:1", 2, 1), set("web:2", 1, 0))}}, gen.Now)
	if c := (&conditions{list: report{rollout: healed, steps: healed.rollingUpdate(), rolling: true}.status(nil).Conditions}).find(appsv1.DeploymentReplicaFailure); c != nil {
		t.Errorf("ReplicaFailure is %+v after all failures are gone", c)
	}
}

func TestPlanLooksAgainWhenTheDeadlinePasses(t *testing.T) {
	d := web(gen.Replicas(2), gen.Deadline(600), saying(corev1.ConditionTrue, reasonReplicaSetUpdated, 100*time.Second), reporting(2, 2))
	p := Controller{}.Plan(d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: sets(set("web:1", 2, 0))}}, gen.Now)
	if again := p.Again(); again == nil || again.After != 501*time.Second {
		t.Errorf("the plan looks again at %+v, want in 501s: the second after the deadline", again)
	}
}

// saying makes a Deployment say so of its progress, since so long ago.
func saying(status corev1.ConditionStatus, reason string, ago time.Duration) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) {
		at := metav1.NewTime(gen.Now.Add(-ago))
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{
			Type: appsv1.DeploymentProgressing, Status: status, Reason: reason, Message: "earlier", LastUpdateTime: at, LastTransitionTime: at,
		})
	}
}

// reporting makes a Deployment report so many pods, and new ones, none of them ready.
func reporting(replicas, updated int32) func(*oappsv1.Deployment) {
	return func(d *oappsv1.Deployment) { d.Status.Replicas, d.Status.UpdatedReplicas = replicas, updated }
}
