package pvbinder

import (
	"cmp"
	"fmt"
	"strings"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/volumes"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
)

// provision hands a claim to the provisioner of its class, or says that there is none.
func provision(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, class *ostoragev1.StorageClass) {
	if class == nil {
		p.EventOnce(claim, plan.Warning, reasonProvisioningFailed, "storageclass.storage.k8s.io %q not found", classOf(claim))
		return
	}
	if why := notProvided(class.Provisioner); why != "" {
		p.EventOnce(claim, plan.Warning, reasonProvisioningFailed, "%s", why)
		return
	}
	provisioner := cmp.Or(volumes.DriverFor(class.Provisioner), class.Provisioner)
	p.Patch(fmt.Sprintf("class %s is provisioned by %s", class.Name, provisioner), claim, handedTo(claim, provisioner))
	p.EventOnce(claim, plan.Normal, reasonExternal, "Waiting for a volume to be created either by the external provisioner '%s' or manually by the "+
		"system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.", provisioner)
}

// notProvided is why no volumes are made by a provisioner; empty if they are, by whoever listens to its name. What has the name of a
// plugin of Kubernetes is nobody else's, and there is none any more that makes volumes, but for drivers that took over.
func notProvided(provisioner string) string {
	switch {
	case !strings.HasPrefix(provisioner, volumes.PluginPrefix) || volumes.DriverFor(provisioner) != "":
		return ""
	case provisioner == "kubernetes.io/host-path":
		return `Failed to create provisioner: provisioning in volume plugin "kubernetes.io/host-path" is disabled`
	case provisioner == "kubernetes.io/nfs":
		return "no provisionable volume plugin matched"
	default:
		return "no volume plugin matched name: " + provisioner
	}
}

// handedTo is a claim with what its provisioner waits for.
func handedTo(claim *ocorev1.PersistentVolumeClaim, provisioner string) *ocorev1.PersistentVolumeClaim {
	if claim.Annotations[volume.AnnStorageProvisioner] == provisioner {
		return claim
	}
	handed := claim.DeepCopy()
	for _, annotation := range []string{volume.AnnBetaStorageProvisioner, volume.AnnStorageProvisioner} {
		metav1.SetMetaDataAnnotation(&handed.ObjectMeta, annotation, provisioner)
	}
	volumes.SayMigrated(handed.Annotations, provisioner)
	return handed
}

// sayMigrated makes a claim that was handed to a provisioner say whether a driver has taken over from it.
func sayMigrated(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim) {
	provisioner := cmp.Or(claim.Annotations[volume.AnnStorageProvisioner], claim.Annotations[volume.AnnBetaStorageProvisioner])
	said := claim.DeepCopy()
	volumes.SayMigrated(said.Annotations, provisioner)
	p.Patch("so it is with its provisioner, "+provisioner, claim, said)
}
