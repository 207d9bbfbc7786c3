package cronjob

import (
	"context"
	"fmt"
	"slices"
	"strings"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a CronJob has.
type world struct {
	// jobs are those that it controls, by name.
	jobs []*obatchv1.Job
	// missing are the Jobs in its status that do not exist any more.
	missing []corev1.ObjectReference
}

// Observe reads the Jobs of the CronJob. One that the status lists and the cache does not have is looked for at the API server: a
// watch that is late is no reason to start another.
func (Controller) Observe(ctx context.Context, view loop.View, cron *obatchv1.CronJob) (world, error) {
	var list obatchv1.JobList
	if err := ownership.Controlled(ctx, view, cron.Namespace, cron.UID, &list); err != nil {
		return world{}, err
	}
	var w world
	for i := range list.Items {
		w.jobs = append(w.jobs, &list.Items[i])
	}
	slices.SortFunc(w.jobs, func(a, b *obatchv1.Job) int { return strings.Compare(a.Name, b.Name) })
	for _, ref := range cron.Status.Active {
		if slices.ContainsFunc(w.jobs, func(job *obatchv1.Job) bool { return job.UID == ref.UID }) {
			continue
		}
		var job obatchv1.Job
		err := view.Live().Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, &job)
		if client.IgnoreNotFound(err) != nil {
			return world{}, fmt.Errorf("reading Job %s/%s of CronJob %s: %w", ref.Namespace, ref.Name, cron.Name, err)
		}
		if err != nil || job.UID != ref.UID {
			w.missing = append(w.missing, ref)
		}
	}
	return w, nil
}
