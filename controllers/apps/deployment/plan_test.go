package deployment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/framework/plan"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestPlan(t *testing.T) {
	const one, two, three = "web:1", "web:2", "web:3"
	rolling := func(n int32, surge, unavailable string) *oappsv1.Deployment {
		return web(gen.Image(two), gen.Replicas(n), gen.Surge(surge), gen.Unavailable(unavailable))
	}
	for _, test := range []struct {
		name string
		d    *oappsv1.Deployment
		sets []*oappsv1.ReplicaSet
		want []string
	}{
		{
			"makes the first ReplicaSet with all pods",
			web(gen.Replicas(3)), nil,
			[]string{"create " + name(one) + " of 3: revision 1 has none yet"},
		}, {
			"makes the next ReplicaSet with as many pods as the surge allows",
			rolling(4, "50%", "0"), sets(set(one, 4, 4)),
			[]string{"create " + name(two) + " of 2: revision 2 has none yet"},
		}, {
			"makes the next ReplicaSet without pods when there is no surge",
			rolling(4, "0", "1"), sets(set(one, 4, 4)),
			[]string{"create " + name(two) + " of 0: revision 2 has none yet"},
		}, {
			"scales the old one down as far as pods may be unavailable",
			rolling(4, "0", "1"), sets(set(one, 4, 4), set(two, 0, 0)),
			[]string{"patch " + name(one) + ": scale from 4 to 3: 4 pods available, at least 3 required"},
		}, {
			"scales the new one up once there is room",
			rolling(4, "0", "1"), sets(set(one, 3, 3), set(two, 0, 0)),
			[]string{"patch " + name(two) + ": scale from 0 to 1: 3 pods exist or are asked for, at most 4 allowed"},
		}, {
			"waits while old pods that are to go still exist",
			rolling(4, "0", "1"), sets(set(one, 3, 3, exist(4)), set(two, 0, 0)),
			nil,
		}, {
			"waits while the old ReplicaSet has yet to take note of its size",
			rolling(4, "0", "1"), sets(set(one, 3, 4, lags), set(two, 0, 0)),
			nil,
		}, {
			"waits while the new pods are not available",
			rolling(4, "1", "0"), sets(set(one, 4, 4), set(two, 1, 0)),
			nil,
		}, {
			"counts pods of a ReplicaSet that was just scaled down no more than it asks for",
			rolling(4, "1", "1"), sets(set(one, 3, 4), set(two, 2, 0)),
			nil,
		}, {
			"takes unhealthy old pods away first, of the oldest ReplicaSet",
			rolling(3, "2", "1"), sets(set(one, 2, 1), set(three, 2, 1), set(two, 1, 1)),
			[]string{
				"patch " + name(one) + ": scale from 2 to 0: 1 old pods are not available, and 3 pods available, at least 2 required",
				"patch " + name(three) + ": scale from 2 to 1: 1 old pods are not available",
			},
		}, {
			"keeps old pods when new ones never become available",
			rolling(10, "3", "2"), sets(set(one, 8, 7), set(two, 5, 0)),
			nil,
		}, {
			"scales a new ReplicaSet that is too large down",
			rolling(3, "1", "0"), sets(set(two, 5, 5, noted(3, 4))),
			[]string{"patch " + name(two) + ": scale from 5 to 3: 3 pods desired"},
		}, {
			"does nothing when all is as it should be",
			rolling(3, "1", "0"), sets(set(two, 3, 3)),
			nil,
		}, {
			"raises the revision of a ReplicaSet that is asked for again",
			web(gen.Image(one), gen.Replicas(3)), sets(set(one, 0, 0, at(1)), set(two, 3, 3, at(2))),
			[]string{"patch " + name(one) + ": it is revision 3 of the Deployment"},
		}, {
			"scales that one in the pass after",
			web(gen.Image(one), gen.Replicas(3)), sets(set(one, 0, 0, at(3)), set(two, 3, 3, at(2))),
			[]string{"patch " + name(one) + ": scale from 0 to 1: 3 pods exist or are asked for, at most 4 allowed"},
		}, {
			"gives the new ReplicaSet the Deployment's annotations",
			annotatedWeb("change", "now"), sets(set(one, 1, 1)),
			[]string{"patch " + name(one) + ": it shares annotations and minReadySeconds with the Deployment"},
		}, {
			"resizes the only ReplicaSet with pods, and does not roll on in the same pass",
			rolling(5, "1", "0"), sets(set(one, 3, 3, noted(3, 4))),
			[]string{"patch " + name(one) + ": scale from 3 to 5: the Deployment was resized to 5"},
		}, {
			"resizes all ReplicaSets with pods in proportion",
			rolling(20, "10", "5"), sets(set(one, 9, 9, noted(10, 15)), set(two, 6, 1, noted(10, 15))),
			[]string{
				"patch " + name(one) + ": scale from 9 to 18: the Deployment was resized to 20",
				"patch " + name(two) + ": scale from 6 to 12: the Deployment was resized to 20",
			},
		}, {
			"takes old pods away on resizing when the new ones are all there",
			rolling(3, "1", "0"), sets(set(one, 1, 1, noted(2, 3)), set(two, 3, 3, noted(3, 4))),
			[]string{"patch " + name(one) + ": scale from 1 to 0: all 3 pods of the new ReplicaSet are available"},
		}, {
			"starts no rollout while paused",
			web(gen.Image(two), gen.Replicas(3), gen.Paused), sets(set(one, 3, 3, noted(3, 4))),
			nil,
		}, {
			"resizes while paused",
			web(gen.Image(two), gen.Replicas(4), gen.Paused), sets(set(one, 3, 3, noted(3, 4))),
			[]string{"patch " + name(one) + ": scale from 3 to 4: the Deployment was resized to 4"},
		}, {
			"stops no old pods while paused, not even where the strategy is Recreate",
			web(gen.Recreate, gen.Image(two), gen.Replicas(3), gen.Paused), sets(set(one, 3, 3, noted(3, 3)), set(two, 1, 1, noted(3, 3))),
			nil,
		}, {
			"drops the oldest revisions beyond the limit once the rollout is complete",
			complete3(web(gen.Image(three), gen.Replicas(3), gen.History(1))),
			sets(set(one, 0, 0, at(1)), set(two, 0, 0, at(2)), set(three, 3, 3, at(3))),
			[]string{"delete " + name(one) + ": it has no pods, and at most 1 old ReplicaSets are kept"},
		}, {
			"keeps a revision beyond the limit as long as it has pods",
			complete3(web(gen.Image(three), gen.Replicas(3), gen.History(0))),
			sets(set(one, 0, 0, at(1), exist(1)), set(three, 3, 3, at(3))),
			nil,
		}, {
			"only reports on a Deployment that is being deleted",
			web(gen.Image(two), gen.Replicas(3), going), sets(set(one, 3, 3)),
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Controller{}.Plan(test.d, world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: test.sets}}, gen.Now)
			if diff := cmp.Diff(test.want, spoken(p)); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanForRecreate(t *testing.T) {
	const one, two = "web:1", "web:2"
	for _, test := range []struct {
		name string
		sets []*oappsv1.ReplicaSet
		pods []ocorev1.Pod
		want []string
	}{
		{
			"scales the old ReplicaSet to nothing before it makes the new one",
			sets(set(one, 3, 3)), nil,
			[]string{"patch " + name(one) + ": scale from 3 to 0: the strategy Recreate starts new pods after the old ones have ended"},
		}, {
			"waits for the old ReplicaSet to take note",
			sets(set(one, 0, 0, lags)), nil,
			nil,
		}, {
			"waits for old pods that the old ReplicaSet still counts",
			sets(set(one, 0, 0, exist(1))), nil,
			nil,
		}, {
			"waits for old pods that are being deleted",
			sets(set(one, 0, 0)), []ocorev1.Pod{*gen.Pod("p", gen.On("a"), gen.Going)},
			nil,
		}, {
			"waits for old pods that are being deleted and only their ReplicaSet sees",
			sets(set(one, 0, 0, terminates(1))), nil,
			nil,
		}, {
			"does not wait for old pods that have ended",
			sets(set(one, 0, 0)), []ocorev1.Pod{*gen.Pod("p", gen.Phase(corev1.PodSucceeded)), *gen.Pod("q", gen.Phase(corev1.PodFailed))},
			[]string{"create " + name(two) + " of 3: revision 2 has none yet"},
		}, {
			"scales a new ReplicaSet up that is there already",
			sets(set(one, 0, 0), set(two, 0, 0)), nil,
			[]string{"patch " + name(two) + ": scale from 0 to 3: no old pod runs any more, 3 pods desired"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := web(gen.Recreate, gen.Image(two), gen.Replicas(3))
			w := world{claims: ownership.Claims[*oappsv1.ReplicaSet]{Held: test.sets}}
			w.pods = map[types.UID][]ocorev1.Pod{test.sets[0].UID: test.pods}
			if diff := cmp.Diff(test.want, spoken(Controller{}.Plan(d, w, gen.Now))); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanSettlesClaimsBeforeAnythingElse(t *testing.T) {
	d := web(gen.Replicas(3))
	w := world{claims: ownership.Claims[*oappsv1.ReplicaSet]{
		Wanted:   sets(set("web:1", 1, 1)),
		Unwanted: sets(set("web:2", 1, 1)),
	}}
	want := []string{
		"adopt: its selector matches, and nobody controls them",
		"patch " + name("web:2") + ": release it: its labels no longer match the selector of web",
	}
	w.claims.Unwanted[0].OwnerReferences = []metav1.OwnerReference{{UID: d.UID}}
	if diff := cmp.Diff(want, spoken(Controller{}.Plan(d, w, gen.Now))); diff != "" {
		t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
	}
}

func TestPlanCountsACollisionWhenTheNameIsTaken(t *testing.T) {
	d := web()
	somebodys := set("web:2", 1, 1)
	for _, test := range []struct {
		name     string
		taken    *oappsv1.ReplicaSet
		collides bool
	}{
		{"by a ReplicaSet of somebody else", somebodys, true},
		{"by its own ReplicaSet of another template", ownedBy(d, set("web:2", 1, 1)), true},
		{"by its own ReplicaSet, which has just come into sight", ownedBy(d, set("web:1", 1, 1)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Controller{}.Plan(d, world{namesake: test.taken}, gen.Now)
			if got := spoken(p); got != nil {
				t.Errorf("the plan is %q, want only a status", got)
			}
			if count := reported(p).CollisionCount; (count != nil) != test.collides || test.collides && *count != 1 {
				t.Errorf("the collision count is %v", count)
			}
		})
	}
}

func TestPlanForRollbackByAnnotation(t *testing.T) {
	to := func(revision string) func(*oappsv1.Deployment) {
		return func(d *oappsv1.Deployment) {
			d.Annotations = map[string]string{rollbackAnnotation: revision, "change": "now"}
		}
	}
	for _, test := range []struct {
		name, revision, image, event string
	}{
		{"rolls back to a revision", "1", "web:1", `DeploymentRollback Rolled back deployment "web" to revision 1`},
		{"rolls back to the one before the last", "0", "web:2", `DeploymentRollback Rolled back deployment "web" to revision 2`},
		{"gives up on a revision that is not there", "7", "web:3", "DeploymentRollbackRevisionNotFound Unable to find the revision to rollback to."},
		{"gives up on the revision that it has", "3", "web:3", `DeploymentRollbackTemplateUnchanged The rollback revision contains the same template as current deployment "web"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := web(gen.Image("web:3"), to(test.revision))
			w := world{claims: ownership.Claims[*oappsv1.ReplicaSet]{
				Held: sets(set("web:1", 0, 0, at(1)), set("web:2", 0, 0, at(2)), set("web:3", 1, 1, at(3), annotated("change", "now"))),
			}}
			steps := Controller{}.Plan(d, w, gen.Now).Steps()
			if len(steps) != 2 {
				t.Fatalf("the plan is %v, want a patch and an event", steps)
			}
			wanted := steps[0].(*plan.Patch).Wanted().(*oappsv1.Deployment)
			if got := wanted.Spec.Template.Spec.Containers[0].Image; got != test.image {
				t.Errorf("the image becomes %s, want %s", got, test.image)
			}
			if _, still := wanted.Annotations[rollbackAnnotation]; still || wanted.Spec.Template.Labels[podtemplate.HashLabel] != "" {
				t.Errorf("the Deployment keeps the rollback or gets a hash: %v, %v", wanted.Annotations, wanted.Spec.Template.Labels)
			}
			if got := strings.Fields(steps[1].String())[2] + " " + steps[1].Why(); got != test.event {
				t.Errorf("the event is %q, want %q", got, test.event)
			}
		})
	}
}

// web is a Deployment that has seen its first revision.
func web(changes ...func(*oappsv1.Deployment)) *oappsv1.Deployment {
	return gen.Deployment("web", changes...)
}

func going(d *oappsv1.Deployment) {
	at := gen.Ago(time.Second)
	d.DeletionTimestamp = &at
}

// complete3 lets a Deployment report that all three of its pods are as they should be.
func complete3(d *oappsv1.Deployment) *oappsv1.Deployment {
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3}
	return d
}

// set is the ReplicaSet that web makes for an image, with so many pods asked for and existing, and so many available.
func set(image string, size, available int32, changes ...func(*oappsv1.ReplicaSet)) *oappsv1.ReplicaSet {
	d := web(gen.Image(image), gen.Replicas(3))
	rs := newReplicaSet(d)
	rs.UID = types.UID(rs.Name)
	rs.Generation, rs.Status.ObservedGeneration = 1, 1
	rs.Spec.Replicas = &size
	rs.Status.Replicas, rs.Status.ReadyReplicas, rs.Status.AvailableReplicas = size, available, available
	for _, change := range changes {
		change(rs)
	}
	return rs
}

// sets are ReplicaSets from the oldest to the youngest, with revisions from 1 on where they have none.
func sets(all ...*oappsv1.ReplicaSet) []*oappsv1.ReplicaSet {
	for i, rs := range all {
		rs.CreationTimestamp = gen.Ago(time.Duration(len(all)-i) * time.Hour)
		if revision(rs) == 0 {
			at(i + 1)(rs)
		}
	}
	return all
}

func at(revision int) func(*oappsv1.ReplicaSet) {
	return func(rs *oappsv1.ReplicaSet) { annotate(rs, revisionAnnotation, fmt.Sprint(revision)) }
}

func annotatedWeb(key, value string) *oappsv1.Deployment {
	d := web()
	annotate(d, key, value)
	return d
}

func annotated(key, value string) func(*oappsv1.ReplicaSet) {
	return func(rs *oappsv1.ReplicaSet) { annotate(rs, key, value) }
}

// noted makes a ReplicaSet remember the Deployment's size, without and with surge.
func noted(desired, most int) func(*oappsv1.ReplicaSet) {
	return func(rs *oappsv1.ReplicaSet) {
		annotate(rs, desiredReplicasAnnotation, fmt.Sprint(desired))
		annotate(rs, maxReplicasAnnotation, fmt.Sprint(most))
	}
}

func exist(pods int32) func(*oappsv1.ReplicaSet) {
	return func(rs *oappsv1.ReplicaSet) { rs.Status.Replicas = pods }
}

func terminates(pods int32) func(*oappsv1.ReplicaSet) {
	return func(rs *oappsv1.ReplicaSet) { rs.Status.TerminatingReplicas = &pods }
}

func lags(rs *oappsv1.ReplicaSet) { rs.Generation++ }

func ownedBy(d *oappsv1.Deployment, rs *oappsv1.ReplicaSet) *oappsv1.ReplicaSet {
	yes := true
	rs.OwnerReferences = []metav1.OwnerReference{{UID: d.UID, Controller: &yes}}
	return rs
}

// name is the kind and name of the ReplicaSet that web makes for an image.
func name(image string) string { return "ReplicaSet " + newReplicaSet(web(gen.Image(image))).Name }

// spoken is a plan in short: what it writes and why, but for status, events and revisions.
func spoken(p *plan.Plan) []string {
	var lines []string
	for _, step := range p.Steps() {
		switch s := step.(type) {
		case *plan.Status, *recordRevision:
			continue
		case *plan.Patch:
			lines = append(lines, "patch ReplicaSet "+s.Wanted().GetName()+": "+s.Why())
		case *plan.Create:
			rs := s.Objects()[0].(*oappsv1.ReplicaSet)
			lines = append(lines, fmt.Sprintf("create ReplicaSet %s of %d: %s", rs.Name, size(rs), s.Why()))
		case *plan.Delete:
			lines = append(lines, "delete ReplicaSet "+s.Objects()[0].GetName()+": "+s.Why())
		default:
			if step.Verb() != "event" {
				lines = append(lines, step.Verb()+": "+step.Why())
			}
		}
	}
	return lines
}

// reported is the status that a plan writes.
func reported(p *plan.Plan) appsv1.DeploymentStatus {
	for _, step := range p.All() {
		if status, ok := step.(*plan.Status); ok {
			return status.Wanted().(*oappsv1.Deployment).Status
		}
	}
	return appsv1.DeploymentStatus{}
}
