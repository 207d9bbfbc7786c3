package pvexpander

import (
	"strings"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
)

func requests(size string) func(*ocorev1.PersistentVolumeClaim) {
	return func(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.Resources.Requests = gen.Storage(size) }
}

func ebs(volume *ocorev1.PersistentVolume) {
	volume.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{
		AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "vol-1"},
	}
}

func TestPlan(t *testing.T) {
	const external = "nothing to do\nevent Normal ExternalExpanding for PersistentVolumeClaim default/data: waiting for an external controller to expand this PVC"
	for _, tt := range []struct {
		name   string
		claim  *ocorev1.PersistentVolumeClaim
		volume *ocorev1.PersistentVolume
		want   string
	}{
		{"a claim that has what it requests is left alone", gen.PersistentVolumeClaim("data", gen.BoundTo("disk")), gen.PersistentVolume("disk", gen.TakenBy("data")), "nothing to do"},
		{"so is one that has more", gen.PersistentVolumeClaim("data", gen.BoundTo("disk"), requests("1Mi")), gen.PersistentVolume("disk", gen.TakenBy("data")), "nothing to do"},
		{"so is one without a volume", gen.PersistentVolumeClaim("data", requests("2Gi")), nil, "nothing to do"},
		{"of one that requests more it is said who makes its volume larger", gen.PersistentVolumeClaim("data", gen.BoundTo("disk"), requests("2Gi")),
			gen.PersistentVolume("disk", gen.TakenBy("data")), external},
		{"so it is while its volume is still being made larger", gen.PersistentVolumeClaim("data", gen.BoundTo("disk")),
			gen.PersistentVolume("disk", gen.TakenBy("data"), gen.Annotated[*ocorev1.PersistentVolume](preResize, "1Gi")), external},
		{"the driver that took over from a plugin is named", gen.PersistentVolumeClaim("data", gen.BoundTo("disk"), requests("2Gi")),
			gen.PersistentVolume("disk", gen.TakenBy("data"), ebs),
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"volume.kubernetes.io/storage-resizer":"ebs.csi.aws.com"}}}: driver ebs.csi.aws.com has taken over from plugin kubernetes.io/aws-ebs` +
				"\nevent Normal ExternalExpanding for PersistentVolumeClaim default/data: CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := (Controller{}).Plan(tt.claim, world{volume: tt.volume}, gen.Now)
			told := []string{p.String()}
			for _, step := range p.All() {
				if step.Verb() == "event" {
					told = append(told, step.String()+": "+step.Why())
				}
			}
			if got := strings.Join(told, "\n"); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
