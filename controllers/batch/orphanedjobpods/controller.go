package orphanedjobpods

import (
	"context"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch

// Controller decides for Pods.
type Controller struct{}

var _ loop.Controller[*ocorev1.Pod, world] = Controller{}

// Loop is the controller with its watches.
func Loop() loop.Loop {
	return loop.New("orphaned-job-pod-controller", Controller{},
		ownership.Indexed(&ocorev1.Pod{}),
		loop.When(predicate.NewPredicateFuncs(tracked), loop.Update(othersToCount)),
		loop.Watches(podsOf, loop.Update(func(was, is *obatchv1.Job) bool {
			return jobstatus.Finished(was) == nil && jobstatus.Finished(is) != nil
		})),
	)
}

// tracked reports that a pod is one that a Job has to count.
func tracked(pod client.Object) bool {
	return controllerutil.ContainsFinalizer(pod, batchv1.JobTrackingFinalizer)
}

// othersToCount reports that a pod has come to be tracked, or has got into other hands: what else happens to it changes nothing, and
// all that runs changes often.
func othersToCount(was, is *ocorev1.Pod) bool {
	before, now := metav1.GetControllerOfNoCopy(was), metav1.GetControllerOfNoCopy(is)
	same := was.UID == is.UID && (before == nil) == (now == nil) && (now == nil || before.UID == now.UID)
	return !tracked(was) || !same
}

// podsOf names the pods of a Job.
func podsOf(ctx context.Context, read client.Reader, job *obatchv1.Job) ([]client.ObjectKey, error) {
	pods, err := ownership.Borrow[*ocorev1.Pod](ctx, read, job.Namespace, job.UID, &ocorev1.PodList{})
	if err != nil {
		return nil, err
	}
	var keys []client.ObjectKey
	for _, pod := range pods {
		keys = append(keys, client.ObjectKeyFromObject(pod))
	}
	return keys, nil
}
