package controller

import (
	"context"
	"fmt"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	"github.com/orrery-dev/orrery/framework/loop"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// +kubebuilder:rbac:groups=housekeeping.orrery.dev,resources=jobhistories,verbs=get;list;watch
// +kubebuilder:rbac:groups=housekeeping.orrery.dev,resources=jobhistories/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;delete

// Controller decides for JobHistories.
type Controller struct{}

var _ loop.Controller[*housekeepingv1.JobHistory, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("jobhistory-controller", Controller{}, loop.Watches(selecting))
}

// selecting names the JobHistories that select a Job.
func selecting(ctx context.Context, read client.Reader, job *obatchv1.Job) ([]client.ObjectKey, error) {
	var histories housekeepingv1.JobHistoryList
	if err := read.List(ctx, &histories, client.InNamespace(job.Namespace)); err != nil {
		return nil, fmt.Errorf("listing the JobHistories of namespace %s: %w", job.Namespace, err)
	}
	var keys []client.ObjectKey
	for i := range histories.Items {
		if selects(&histories.Items[i], job) {
			keys = append(keys, client.ObjectKeyFromObject(&histories.Items[i]))
		}
	}
	return keys, nil
}
