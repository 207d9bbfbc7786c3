package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a pass decides from.
type world struct {
	// finished are the Jobs that are selected and over, the newest first, without those that are being deleted.
	finished []*obatchv1.Job
}

// Observe lists the Jobs of the namespace.
func (Controller) Observe(ctx context.Context, view loop.View, history *housekeepingv1.JobHistory) (world, error) {
	var jobs obatchv1.JobList
	if err := view.List(ctx, &jobs, client.InNamespace(history.Namespace)); err != nil {
		return world{}, fmt.Errorf("listing Jobs of JobHistory %s/%s: %w", history.Namespace, history.Name, err)
	}
	var w world
	for i := range jobs.Items {
		if job := &jobs.Items[i]; selects(history, job) && finished(job) && job.DeletionTimestamp == nil {
			w.finished = append(w.finished, job)
		}
	}
	slices.SortFunc(w.finished, newestFirst)
	return w, nil
}

// selects reports that a JobHistory looks after a Job. What is no selector selects nothing: validation refuses it.
func selects(history *housekeepingv1.JobHistory, job *obatchv1.Job) bool {
	selector, err := metav1.LabelSelectorAsSelector(&history.Spec.Selector)
	return err == nil && selector.Matches(labels.Set(job.Labels))
}

// finished reports that a Job has succeeded or failed for good.
func finished(job *obatchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

func newestFirst(a, b *obatchv1.Job) int {
	return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}
