package revisions

import (
	"cmp"
	"fmt"
	"slices"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// History are the revisions of one owner, the oldest first.
type History []*oappsv1.ControllerRevision

// HistoryOf sorts revisions by their number. Those of one number are sorted by age.
func HistoryOf(revisions []*oappsv1.ControllerRevision) History {
	sorted := slices.Clone(revisions)
	slices.SortStableFunc(sorted, func(a, b *oappsv1.ControllerRevision) int {
		return cmp.Or(
			cmp.Compare(a.Revision, b.Revision),
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return sorted
}

// Next is the number above all others.
func (h History) Next() int64 {
	if len(h) == 0 {
		return 1
	}
	return h[len(h)-1].Revision + 1
}

// Same is the newest revision that holds the same as another; nil if there is none.
func (h History) Same(as *oappsv1.ControllerRevision) *oappsv1.ControllerRevision {
	for _, revision := range slices.Backward(h) {
		if Same(revision, as) {
			return revision
		}
	}
	return nil
}

// Named is the revision that a status, or the label of a pod, names; nil if there is none.
func (h History) Named(name string) *oappsv1.ControllerRevision {
	for _, revision := range h {
		if revision.Name == name {
			return revision
		}
	}
	return nil
}

// Settle plans that wanted, which is a [New] one, is the newest revision of its owner, and returns the revision that is it then.
// One that holds the same gets the next number; else wanted is created with it. The namesake is the revision, whosever it is,
// that has the name of wanted; nil means that there is none. A namesake that is another revision is a collision: then nothing is
// planned, and the owner's count of collisions has to go up.
func (h History) Settle(p *plan.Plan, owner client.Object, wanted, namesake *oappsv1.ControllerRevision) (newest *oappsv1.ControllerRevision, collided bool) {
	switch same := h.Same(wanted); {
	case same != nil && same == h[len(h)-1]:
		return same, false
	case same != nil:
		again := same.DeepCopy()
		again.Revision = h.Next()
		p.Patch(fmt.Sprintf("the template of revision %d is back, as revision %d", same.Revision, again.Revision), same, again)
		return again, false
	case namesake == nil:
		created := wanted.DeepCopy()
		created.Revision = h.Next()
		p.Create(fmt.Sprintf("the template has no revision yet: it is revision %d", created.Revision), created).
			OwnedBy(owner).Failed(refused(owner))
		return created, false
	case metav1.IsControlledBy(namesake, owner) && Same(namesake, wanted):
		return namesake, false // it came into sight after the list was read
	default:
		return nil, true
	}
}

// refused tells the owner that its revision cannot be: the labels of its template, which the revision has too, are none.
func refused(owner client.Object) func(client.Object, error) plan.Event {
	return func(_ client.Object, err error) plan.Event {
		if !apierrors.IsInvalid(err) {
			return plan.Event{} // it is tried again, and nobody has to do anything
		}
		return plan.Event{Regarding: owner, Type: plan.Warning, Reason: "FailedCreate", Message: "Error creating: " + err.Error()}
	}
}

// Truncate plans to delete the oldest revisions of which inUse knows no use, up to limit of which are kept; below zero all are.
func (h History) Truncate(p *plan.Plan, limit int32, inUse func(*oappsv1.ControllerRevision) bool) {
	unused := slices.DeleteFunc(slices.Clone(h), inUse)
	surplus := len(unused) - int(limit)
	if limit < 0 || surplus <= 0 {
		return
	}
	plan.DeleteAll(p, fmt.Sprintf("%d revisions are not in use, and %d are kept", len(unused), limit), unused[:surplus]).Unchanged()
}
