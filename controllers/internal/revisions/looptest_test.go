package revisions_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// historian keeps the history of StatefulSets, names the newest revision in their status, and does nothing else.
type historian struct{}

type world struct {
	claims   ownership.Claims[*oappsv1.ControllerRevision]
	namesake *oappsv1.ControllerRevision
}

func wanted(set *oappsv1.StatefulSet) *oappsv1.ControllerRevision {
	hash := revisions.Hash(revisions.Data(&set.Spec.Template), set.Status.CollisionCount)
	return revisions.New(set, &set.Spec.Template, revisions.HashLabel, hash)
}

func (historian) Observe(ctx context.Context, view loop.View, set *oappsv1.StatefulSet) (w world, err error) {
	if w.claims, err = ownership.Observe[*oappsv1.ControllerRevision](ctx, view, set, set.Spec.Selector, &oappsv1.ControllerRevisionList{}); err != nil {
		return w, err
	}
	w.namesake = &oappsv1.ControllerRevision{}
	err = view.Get(ctx, client.ObjectKeyFromObject(wanted(set)), w.namesake)
	if apierrors.IsNotFound(err) {
		w.namesake, err = nil, nil
	}
	return w, err
}

func (historian) Plan(set *oappsv1.StatefulSet, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if w.claims.Open() {
		w.claims.Settle(p, set)
		return p
	}
	history := revisions.HistoryOf(w.claims.Held)
	reported := set.DeepCopy()
	newest, collided := history.Settle(p, set, wanted(set), w.namesake)
	switch {
	case collided && set.Status.CollisionCount == nil:
		reported.Status.CollisionCount = new(int32)
	case collided:
		more := *set.Status.CollisionCount + 1
		reported.Status.CollisionCount = &more
	default:
		reported.Status.UpdateRevision = newest.Name
		history.Truncate(p, *set.Spec.RevisionHistoryLimit, func(r *oappsv1.ControllerRevision) bool { return r.Name == newest.Name })
	}
	p.Status(set, reported)
	return p
}

// TestHistories changes templates at random, under both namings, while somebody else may have a revision of the name that is
// next: in the end the newest revision holds the template, and there are no more than are kept.
func TestHistories(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops: []loop.Loop{loop.New("historian", historian{},
				loop.Owns(&oappsv1.ControllerRevision{}), ownership.Indexed(&oappsv1.ControllerRevision{}))},
			Start: func(t *rapid.T) []client.Object {
				set := gen.StatefulSet("web", 1, func(set *oappsv1.StatefulSet) { *set.Spec.RevisionHistoryLimit = 2 })
				if !rapid.Bool().Draw(t, "collides") {
					return []client.Object{set}
				}
				foreign := wanted(set)
				foreign.Labels = nil
				foreign.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Other", Name: "other", UID: "other", Controller: new(true)}}
				return []client.Object{set, foreign}
			},
			Change: func(t *rapid.T, w *looptest.World) {
				image := rapid.SampledFrom([]string{"web:1", "web:2", "web:3", "web:4", "web:5"}).Draw(t, "image")
				looptest.Edit(w, "user", gen.StatefulSet("web", 1), func(set *oappsv1.StatefulSet) { set.Spec.Template.Spec.Containers[0].Image = image })
			},
			Converged: theNewestIsTheTemplate,
		})
	})
}

func theNewestIsTheTemplate(w *looptest.World) error {
	set := looptest.All[*oappsv1.StatefulSet](w)[0]
	var own []*oappsv1.ControllerRevision
	for _, revision := range looptest.All[*oappsv1.ControllerRevision](w) {
		if metav1.IsControlledBy(revision, set) {
			own = append(own, revision)
		}
	}
	history := revisions.HistoryOf(own)
	if len(history) == 0 || len(history) > 3 {
		return fmt.Errorf("there are %d revisions, want 1 to 3", len(history))
	}
	newest := history[len(history)-1]
	if newest != history.Named(set.Status.UpdateRevision) || newest != history.Same(wanted(set)) {
		return fmt.Errorf("the newest revision is %s, the status names %s", newest.Name, set.Status.UpdateRevision)
	}
	return nil
}
