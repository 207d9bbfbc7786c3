package controller

import (
	"fmt"
	"time"

	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	"github.com/orrery-dev/orrery/framework/plan"
)

// Plan deletes the oldest finished Jobs above the number to keep.
func (Controller) Plan(history *housekeepingv1.JobHistory, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if history.DeletionTimestamp != nil {
		return p
	}
	kept := min(len(w.finished), int(history.Spec.Keep))
	plan.DeleteAll(p, fmt.Sprintf("%d finished Jobs, %d to keep", len(w.finished), history.Spec.Keep), w.finished[kept:])
	reported := history.DeepCopy()
	reported.Status.Kept = int32(kept)
	p.Status(history, reported)
	return p
}
