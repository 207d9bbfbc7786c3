package orphanedjobpods

import (
	"context"
	"fmt"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/loop"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is known of a pod's Job.
type world struct {
	// orphaned is why nobody will count the pod any more, as in "its Job sums is over"; empty if somebody will.
	orphaned string
}

// Observe looks for the Job of the pod: in the cache, and where it is not there, at the API server.
func (Controller) Observe(ctx context.Context, view loop.View, pod *ocorev1.Pod) (world, error) {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return world{"it has no Job"}, nil
	}
	for _, read := range []client.Reader{view, view.Live()} {
		var job obatchv1.Job
		err := read.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: owner.Name}, &job)
		if client.IgnoreNotFound(err) != nil {
			return world{}, fmt.Errorf("reading Job %s/%s of pod %s: %w", pod.Namespace, owner.Name, pod.Name, err)
		}
		if err == nil && job.UID == owner.UID {
			return world{over(&job)}, nil
		}
	}
	return world{fmt.Sprintf("its Job %s is gone", owner.Name)}, nil
}

// over is why a Job counts no pods any more; empty if it does, or if somebody else does it.
func over(job *obatchv1.Job) string {
	if ptr.Deref(job.Spec.ManagedBy, batchv1.JobControllerName) != batchv1.JobControllerName || jobstatus.Finished(job) == nil {
		return ""
	}
	return fmt.Sprintf("its Job %s is over", job.Name)
}
