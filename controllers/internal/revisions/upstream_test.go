package revisions_test

import (
	"slices"
	"testing"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/history"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"pgregory.net/rapid"
)

// The tests of this file ask Kubernetes' own functions for the answer, on random templates.

func draw(t *rapid.T) *oappsv1.StatefulSet {
	words := rapid.MapOfN(rapid.StringN(1, 5, -1), rapid.String(), 0, 4)
	set := gen.StatefulSet(rapid.StringMatching(`[a-z]{1,240}`).Draw(t, "name"), 1)
	set.Annotations = words.Draw(t, "annotations")
	set.Spec.Template.Labels = words.Draw(t, "labels")
	set.Spec.Template.Spec.Containers[0].Image = rapid.String().Draw(t, "image")
	set.Spec.Template.Spec.Containers[0].Args = rapid.SliceOf(rapid.String()).Draw(t, "args")
	seconds := rapid.Int64().Draw(t, "grace")
	set.Spec.Template.Spec.TerminationGracePeriodSeconds = &seconds
	return set
}

func TestARevisionIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := draw(t)
		var collisions *int32
		if rapid.Bool().Draw(t, "collided") {
			collisions = new(rapid.Int32Min(0).Draw(t, "collisions"))
		}
		data := revisions.Data(&set.Spec.Template)
		got := revisions.New(set, &set.Spec.Template, revisions.HashLabel, revisions.Hash(data, collisions))
		want, err := history.NewControllerRevision(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"), set.Spec.Template.Labels, got.Data, 0, collisions)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != want.Name || !equality.Semantic.DeepEqual(got.Labels, want.Labels) {
			t.Errorf("the revision is %s with labels %v, Kubernetes' is %s with %v", got.Name, got.Labels, want.Name, want.Labels)
		}
	})
}

func TestWhatARevisionHoldsIsWhatItHoldsInKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := draw(t)
		revision := revisions.New(set, &set.Spec.Template, revisions.HashLabel, "hash")
		ds := &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: set.Spec.Template}}
		if same, err := daemon.Match(ds, (*appsv1.ControllerRevision)(revision)); err != nil || !same {
			t.Errorf("Kubernetes takes %s for another template (%v)", revision.Data.Raw, err)
		}
		restored, err := statefulset.ApplyRevision((*appsv1.StatefulSet)(gen.StatefulSet("other", 1)), (*appsv1.ControllerRevision)(revision))
		if err != nil || !equality.Semantic.DeepEqual(restored.Spec.Template, set.Spec.Template) {
			t.Errorf("Kubernetes restores another template from %s (%v)", revision.Data.Raw, err)
		}
	})
}

func TestTheOrderOfRevisionsIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours []*oappsv1.ControllerRevision
		var theirs []*appsv1.ControllerRevision
		for range rapid.IntRange(0, 6).Draw(t, "revisions") {
			r := &oappsv1.ControllerRevision{
				ObjectMeta: metav1.ObjectMeta{Name: rapid.StringMatching(`[a-c]`).Draw(t, "name")},
				Revision:   rapid.Int64Range(1, 3).Draw(t, "number"),
			}
			r.CreationTimestamp = gen.Ago(0)
			if rapid.Bool().Draw(t, "old") {
				r.CreationTimestamp = gen.Ago(1e9)
			}
			ours, theirs = append(ours, r), append(theirs, (*appsv1.ControllerRevision)(r))
		}
		history.SortControllerRevisions(theirs)
		if !slices.EqualFunc(revisions.HistoryOf(ours), theirs, func(a *oappsv1.ControllerRevision, b *appsv1.ControllerRevision) bool {
			return (*appsv1.ControllerRevision)(a) == b
		}) {
			t.Error("the order is not that of Kubernetes")
		}
	})
}
