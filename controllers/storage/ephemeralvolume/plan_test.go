package ephemeralvolume

import (
	"errors"
	"strings"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestPlan(t *testing.T) {
	web := gen.Pod("web", gen.Claims("data"), gen.ClaimsForItself("scratch"), gen.ClaimsForItself("cache"))
	own := gen.MadeFor(web)
	other := gen.MadeFor(gen.Pod("other"))
	const taken = "event Warning FailedBinding for Pod default/web: ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)"
	for _, tt := range []struct {
		name   string
		pod    *ocorev1.Pod
		claims []*ocorev1.PersistentVolumeClaim
		want   string
	}{
		{"a pod without ephemeral volumes needs no claims", gen.Pod("web", gen.Claims("data")), nil, "nothing to do"},
		{"each ephemeral volume gets its claim, and a claim that a volume names none", web, nil,
			"create 2 PersistentVolumeClaims (default/web-scratch, default/web-cache): the pod has an ephemeral volume of it"},
		{"only what is missing is made", web, []*ocorev1.PersistentVolumeClaim{gen.PersistentVolumeClaim("web-cache", own)},
			"create PersistentVolumeClaim default/web-scratch: the pod has an ephemeral volume of it"},
		{"a pod that has its claims is left alone", web,
			[]*ocorev1.PersistentVolumeClaim{gen.PersistentVolumeClaim("web-cache", own), gen.PersistentVolumeClaim("web-scratch", own)}, "nothing to do"},
		{"so is one whose claim is being deleted: it is made again when it is gone", web,
			[]*ocorev1.PersistentVolumeClaim{gen.PersistentVolumeClaim("web-cache", own), gen.PersistentVolumeClaim("web-scratch", own, gen.Deleted)}, "nothing to do"},
		{"a claim of nobody that has the name is not the pod's", web,
			[]*ocorev1.PersistentVolumeClaim{gen.PersistentVolumeClaim("web-cache", own), gen.PersistentVolumeClaim("web-scratch")},
			"nothing to do: PersistentVolumeClaim web-scratch is not the pod's own\n" + taken},
		{"a claim of another pod that has the name holds up no other claim", web,
			[]*ocorev1.PersistentVolumeClaim{gen.PersistentVolumeClaim("web-scratch", other)},
			"create PersistentVolumeClaim default/web-cache: the pod has an ephemeral volume of it\n" + taken},
		{"a pod that is being deleted gets none", gen.Pod("web", gen.ClaimsForItself("scratch"), gen.Going), nil, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := world{claims: map[string]*ocorev1.PersistentVolumeClaim{}}
			for _, claim := range tt.claims {
				w.claims[claim.Name] = claim
			}
			if got := told((Controller{}).Plan(tt.pod, w, gen.Now)); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// told is a plan with what it says and does not do.
func told(p *plan.Plan) string {
	lines := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" {
			lines = append(lines, step.String()+": "+step.Why())
		}
	}
	return strings.Join(lines, "\n")
}

func TestAClaimIsMadeFromItsTemplate(t *testing.T) {
	web := gen.Pod("web", gen.ClaimsForItself("scratch"))
	template := web.Spec.Volumes[0].Ephemeral.VolumeClaimTemplate
	template.Labels, template.Annotations = map[string]string{"tier": "cache"}, map[string]string{"note": "x"}
	template.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	template.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}

	create := (Controller{}).Plan(web, world{}, gen.Now).Steps()[0].(*plan.Create)
	claim := create.Objects()[0].(*ocorev1.PersistentVolumeClaim)
	if create.Owner() != web || claim.Labels["tier"] != "cache" || claim.Annotations["note"] != "x" ||
		claim.Spec.AccessModes[0] != corev1.ReadWriteOnce || claim.Spec.Resources.Requests.Storage().String() != "1Gi" {
		t.Errorf("the claim is %v", claim)
	}
	claim.Labels["tier"] = "mine"
	if template.Labels["tier"] != "cache" {
		t.Error("the claim shares the labels of the pod")
	}
}

func TestAClaimThatCannotBeMadeIsSaidOfItsVolume(t *testing.T) {
	event := notMade(gen.Pod("web"), gen.PersistentVolumeClaim("web-scratch"), errors.New("no quota"))
	if want := "ephemeral volume scratch: create PVC web-scratch: no quota"; event.Message != want {
		t.Errorf("the event says %q, want %q", event.Message, want)
	}
}
