package podresourceclaim

import (
	"errors"
	"strings"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	created = "create ResourceClaim default/web-gpu-*: the pod asks for it"
	told    = `status Pod default/web {"status":{"resourceClaimStatuses":[{"name":"gpu","resourceClaimName":"web-gpu-1"}]}}`
	noSuch  = "event Warning FailedResourceClaimCreation for Pod default/web: PodResourceClaim nic: resource claim template " +
		`"nics": resourceclaimtemplate.resource.k8s.io "nics" not found`
)

func TestPlan(t *testing.T) {
	fromTemplate := gen.UsesOneOf("gpus", "gpu")
	told1 := gen.Told("gpu", "web-gpu-1")
	owner := gen.Pod("web")
	made := gen.ResourceClaim("web-gpu-1", gen.ClaimedBy(owner, "gpu"))
	allocated := gen.ResourceClaim("web-gpu-1", gen.ClaimedBy(owner, "gpu"), gen.Allocated("d0"))
	template := gen.ResourceClaimTemplate("gpus")
	for _, tt := range []struct {
		name  string
		pod   *ocorev1.Pod
		world []any
		want  string
	}{
		{"a pod without claims needs none", gen.Pod("web"), nil, "nothing to do"},
		{"nor does one of a claim that is there", gen.Pod("web", gen.Uses("shared")), []any{gen.ResourceClaim("shared")}, "nothing to do"},
		{"a claim that the pod names is its user's to make", gen.Pod("web", gen.Uses("shared")), nil, "nothing to do"},
		{"a claim is made from its template", gen.Pod("web", fromTemplate), []any{template}, created},
		{"then the status tells its name", gen.Pod("web", fromTemplate), []any{template, made}, told},
		{"and then nothing is to be done", gen.Pod("web", fromTemplate, told1), []any{template, made}, "nothing to do"},
		{"also without the template", gen.Pod("web", fromTemplate, told1), []any{made}, "nothing to do"},
		{"one that somebody deleted is made again", gen.Pod("web", fromTemplate, told1), []any{template}, created},
		{"so is one that is somebody else's by now", gen.Pod("web", fromTemplate, told1),
			[]any{template, gen.ResourceClaim("web-gpu-1", gen.ClaimedBy(gen.Pod("db"), "gpu"))}, created},
		{"a claim that was not needed is not made", gen.Pod("web", fromTemplate, func(pod *ocorev1.Pod) {
			pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "gpu"}}
		}), []any{template}, "nothing to do"},
		{"the names that the status tells are kept and sorted", gen.Pod("web", gen.UsesOneOf("nics", "nic"), fromTemplate, gen.Told("nic", "n")),
			[]any{template, made, gen.ResourceClaim("n", gen.ClaimedBy(owner, "nic"))},
			`status Pod default/web {"status":{"resourceClaimStatuses":[{"name":"gpu","resourceClaimName":"web-gpu-1"},{"name":"nic","resourceClaimName":"n"}]}}`},

		{"without its template a claim is not made", gen.Pod("web", gen.UsesOneOf("nics", "nic")), nil,
			`nothing to do: claim nic: resource claim template "nics": resourceclaimtemplate.resource.k8s.io "nics" not found` + "\n" + noSuch},
		{"those before it are, and are not told of", gen.Pod("web", fromTemplate, gen.UsesOneOf("nics", "nic")), []any{template}, created + "\n" + noSuch},
		{"those behind it are not", gen.Pod("web", gen.UsesOneOf("nics", "nic"), fromTemplate), []any{template},
			`nothing to do: claim nic: resource claim template "nics": resourceclaimtemplate.resource.k8s.io "nics" not found` + "\n" + noSuch},

		{"a pod that is being deleted gets none", gen.Pod("web", fromTemplate, gen.Going, gen.On("a")), []any{template}, "nothing to do"},
		{"nor does one that has ended", gen.Pod("web", fromTemplate, gen.Phase(corev1.PodFailed)), []any{template}, "nothing to do"},

		{"a pod with a node gets its allocated claims reserved", gen.Pod("web", fromTemplate, told1, gen.On("a")), []any{allocated},
			`status ResourceClaim default/web-gpu-1 {"status":{"reservedFor":[{"name":"web","resource":"pods","uid":"web"}]}}`},
		{"beside others", gen.Pod("web", gen.Uses("shared"), gen.On("a")), []any{gen.ResourceClaim("shared", gen.Allocated("d0"), gen.ReservedFor(gen.Pod("db")))},
			`status ResourceClaim default/shared {"status":{"reservedFor":[{"name":"db","resource":"pods","uid":"db"},{"name":"web","resource":"pods","uid":"web"}]}}`},
		{"once", gen.Pod("web", gen.Uses("shared"), gen.On("a")), []any{gen.ResourceClaim("shared", gen.Allocated("d0"), gen.ReservedFor(owner))}, "nothing to do"},
		{"not those that are not allocated", gen.Pod("web", fromTemplate, told1, gen.On("a")), []any{made}, "nothing to do"},
		{"not those behind one that is missing", gen.Pod("web", gen.Uses("missing"), gen.Uses("shared"), gen.On("a")),
			[]any{gen.ResourceClaim("shared", gen.Allocated("d0"))}, "nothing to do: claim missing does not exist"},
		{"a pod without a node gets none reserved: the scheduler does that", gen.Pod("web", fromTemplate, told1), []any{allocated}, "nothing to do"},

		{"a pod of a group waits for it", gen.Pod("web", fromTemplate, gen.InPodGroup("gang")), []any{template}, "nothing to do: its PodGroup gang does not exist"},
		{"and gets its claims then", gen.Pod("web", fromTemplate, gen.InPodGroup("gang")), []any{template, group()}, created},
		{"a claim of the whole group is not made", gen.Pod("web", fromTemplate, gen.InPodGroup("gang")), []any{template, group("gpu", "gpus")},
			"nothing to do: claim gpu: claim gpu is a PodGroup claim but the DRAWorkloadResourceClaims feature is disabled\n" +
				"event Warning FailedResourceClaimCreation for Pod default/web: PodResourceClaim gpu: claim gpu is a PodGroup claim but the DRAWorkloadResourceClaims feature is disabled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := all((Controller{}).Plan(tt.pod, worldOf(tt.pod, tt.world), gen.Now)); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// group is the group gang, with a claim from a template if one is named.
func group(claim ...string) *oschedulingv1beta1.PodGroup {
	g := gen.PodGroup("gang")
	if len(claim) > 0 {
		g.Spec.ResourceClaims = []schedulingv1beta1.PodGroupResourceClaim{{Name: claim[0], ResourceClaimTemplateName: &claim[1]}}
	}
	return g
}

// worldOf is what is observed for a pod where there are some objects.
func worldOf(pod *ocorev1.Pod, objs []any) world {
	w := world{claims: map[string]*resourcev1.ResourceClaim{}, made: map[string]*resourcev1.ResourceClaim{}, templates: map[string]*resourcev1.ResourceClaimTemplate{}}
	for _, obj := range objs {
		switch obj := obj.(type) {
		case *oschedulingv1beta1.PodGroup:
			w.group = obj
		case *resourcev1.ResourceClaimTemplate:
			w.templates[obj.Name] = obj
		case *resourcev1.ResourceClaim:
			w.claims[obj.Name] = obj
			if metav1.IsControlledBy(obj, pod) {
				w.made[obj.Annotations[resourcev1.PodResourceClaimAnnotation]] = obj
			}
		}
	}
	return w
}

// all is a plan with what it only says.
func all(p *plan.Plan) string {
	lines := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" {
			lines = append(lines, step.String()+": "+step.Why())
		}
	}
	return strings.Join(lines, "\n")
}

func TestAClaimIsMadeFromItsTemplate(t *testing.T) {
	template := gen.ResourceClaimTemplate("gpus")
	template.Spec.Labels, template.Spec.Annotations = map[string]string{"tier": "fast"}, map[string]string{"note": "x"}
	pod := gen.Pod("web", gen.UsesOneOf("gpus", "gpu"))
	create := (Controller{}).Plan(pod, worldOf(pod, []any{template}), gen.Now).Steps()[0].(*plan.Create)
	claim := create.Objects()[0].(*resourcev1.ResourceClaim)
	if create.Owner() != pod || claim.GenerateName != "web-gpu-" || claim.Labels["tier"] != "fast" || claim.Annotations["note"] != "x" ||
		claim.Annotations["resource.kubernetes.io/pod-claim-name"] != "gpu" || claim.Spec.Devices.Requests[0].Exactly.DeviceClassName != "gpus" {
		t.Errorf("the claim is %v", claim)
	}
	if len(template.Spec.Annotations) != 1 {
		t.Error("the template shares its annotations with the claim")
	}
}

func TestHowNamesOfClaimsBegin(t *testing.T) {
	for _, tt := range []struct{ name, pod, claim, want string }{
		{"with those of pod and claim", "web", "gpu", "web-gpu-"},
		{"as long as a name may be", strings.Repeat("p", 50), "claim", strings.Repeat("p", 50) + "-claim-"},
		{"with the beginnings of both where they are longer", strings.Repeat("p", 60), strings.Repeat("c", 20), strings.Repeat("p", 41) + "-" + strings.Repeat("c", 13)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := prefix(tt.pod, tt.claim); got != tt.want || len(got) > 57 {
				t.Errorf("it is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAClaimThatWasRefusedIsToldOfByTheNameItHasInThePod(t *testing.T) {
	claim := gen.ResourceClaim("web-gpu-x", gen.ClaimedBy(gen.Pod("web"), "gpu"))
	if got, want := refused(gen.Pod("web"), claim, errors.New("no quota")).Message, "PodResourceClaim gpu: create ResourceClaim : no quota"; got != want {
		t.Errorf("the event says %q, want %q", got, want)
	}
}
