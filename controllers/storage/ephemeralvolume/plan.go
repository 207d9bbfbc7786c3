package ephemeralvolume

import (
	"maps"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/podclaims"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Plan creates the claims that are missing, and says of those that are somebody else's that they are.
func (Controller) Plan(pod *ocorev1.Pod, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if pod.DeletionTimestamp != nil {
		return p
	}
	var missing []*ocorev1.PersistentVolumeClaim
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Ephemeral == nil {
			continue
		}
		switch claim := w.claims[podclaims.Name(pod, volume)]; {
		case claim == nil:
			missing = append(missing, claimOf(pod, volume))
		case podclaims.Of(pod, claim) != podclaims.Ephemeral:
			p.Because("PersistentVolumeClaim " + claim.Name + " is not the pod's own")
			sayTaken(p, pod, volume, claim)
		}
	}
	create := plan.CreateAll(p, "the pod has an ephemeral volume of it", missing)
	create.OwnedBy(pod).Failed(func(claim client.Object, err error) plan.Event { return notMade(pod, claim, err) })
	return p
}

// claimOf is the claim of an ephemeral volume.
func claimOf(pod *ocorev1.Pod, volume *corev1.Volume) *ocorev1.PersistentVolumeClaim {
	template := volume.Ephemeral.VolumeClaimTemplate
	return &ocorev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   pod.Namespace,
			Name:        podclaims.Name(pod, volume),
			Labels:      maps.Clone(template.Labels),
			Annotations: maps.Clone(template.Annotations),
		},
		Spec: *template.Spec.DeepCopy(),
	}
}
