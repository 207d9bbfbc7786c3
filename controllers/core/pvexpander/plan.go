package pvexpander

import (
	"fmt"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	reasonExternal = "ExternalExpanding"
	// resizer is the annotation of a claim that names who makes its volume larger.
	resizer = "volume.kubernetes.io/storage-resizer"
	// preResize is the annotation of a volume that is being made larger.
	preResize = "volume.alpha.kubernetes.io/pre-resize-capacity"
)

// Plan says who makes the volume of the claim larger, if it is to be.
func (Controller) Plan(claim *ocorev1.PersistentVolumeClaim, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	if w.volume == nil || !isToGrow(claim, w.volume) {
		return p
	}
	plugin := volumes.PluginOf(w.volume)
	if plugin == "" {
		p.EventOnce(claim, plan.Normal, reasonExternal, "waiting for an external controller to expand this PVC")
		return p
	}
	driver := volumes.DriverFor(plugin)
	named := claim.DeepCopy()
	metav1.SetMetaDataAnnotation(&named.ObjectMeta, resizer, driver)
	p.EventOnce(claim, plan.Normal, reasonExternal, "CSI migration enabled for %s; waiting for external resizer to expand the pvc", plugin)
	p.Patch(fmt.Sprintf("driver %s has taken over from plugin %s", driver, plugin), claim, named)
	return p
}

// isToGrow reports that a claim requests more than it has, or that its volume is still being made larger.
func isToGrow(claim *ocorev1.PersistentVolumeClaim, volume *ocorev1.PersistentVolume) bool {
	has := claim.Status.Capacity[corev1.ResourceStorage]
	return claim.Spec.Resources.Requests.Storage().Cmp(has) > 0 || metav1.HasAnnotation(volume.ObjectMeta, preResize)
}
