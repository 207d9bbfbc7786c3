package pvreclaimer

import (
	"cmp"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// retry is how long after a recycler has failed another one is made.
const retry = 15 * time.Second

// recycle has a pod scrub the volume, and lets it go when that is done.
func recycle(p *plan.Plan, volume *ocorev1.PersistentVolume, w world, now time.Time) {
	pod := w.recycler
	switch {
	case !recyclable(volume):
		fail(p, volume, reasonFailedRecycle, "No recycler plugin found for the volume!", now)
	case len(w.users) > 0:
		p.Because("pods use it")
		p.EventOnce(volume, plan.Normal, reasonFailedRecycle, "Volume is used by pods: %s", strings.Join(w.users, ","))
	case pod == nil:
		begin(p, volume, now)
	case pod.DeletionTimestamp != nil:
		p.Because("its recycler is being deleted")
	case made(volume, pod) != volume.Annotations[recyclerAnnotation]:
		p.Delete("it was not made to recycle the volume now", pod)
	case pod.Status.Phase == corev1.PodSucceeded:
		p.Delete("the volume is recycled", pod)
		letGo(p, volume, "it is recycled", now)
		p.Event(volume, plan.Normal, reasonRecycled, "Volume recycled")
	case pod.Status.Phase == corev1.PodFailed:
		tryAgain(p, volume, w, now)
	default:
		p.Because("its recycler is at work")
	}
}

// begin has a recycler made, and says so where it cannot be.
func begin(p *plan.Plan, volume *ocorev1.PersistentVolume, now time.Time) {
	p.Do(&start{volume: volume, pod: recycler(volume)})
	p.StatusAfter(volume, func(failed error) client.Object {
		if failed == nil || apierrors.IsConflict(failed) {
			return volume
		}
		return volumes.InPhase(volume, corev1.VolumeFailed, notCreated(failed), now)
	})
}

func notCreated(err error) string {
	return "Recycle failed: unexpected error creating recycler pod:  " + plan.Cause(err).Error()
}

// tryAgain says that the recycler has failed, and after a while makes room for another one.
func tryAgain(p *plan.Plan, volume *ocorev1.PersistentVolume, w world, now time.Time) {
	why := cmp.Or(w.recycler.Status.Message, "pod failed, pod.Status.Message unknown")
	fail(p, volume, reasonFailedRecycle, "Recycle failed: failed to recycle volume: "+why, now)
	if left := retry - now.Sub(w.failed); left > 0 {
		p.After(left, "the recycler has failed, and another one is tried then")
		return
	}
	p.Delete("it has failed, and another one is to try", w.recycler)
}

// recyclable reports that a pod can reach the files of a volume.
func recyclable(volume *ocorev1.PersistentVolume) bool {
	return volume.Spec.HostPath != nil || volume.Spec.NFS != nil
}
