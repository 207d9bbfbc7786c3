package resourceclaim

import (
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
)

type change = func(*resourcev1.ResourceClaim)

const (
	freed    = `status ResourceClaim default/gpu {"status":{"allocation":null,"reservedFor":null}}` + "\n"
	unlocked = "remove finalizer resource.kubernetes.io/delete-protection from ResourceClaim default/gpu: nobody uses the claim, and it has no devices"
	deleted  = "delete ResourceClaim default/gpu: pod web, which it was made for, does not need it any more"
)

func TestPlan(t *testing.T) {
	running := gen.Pod("web", gen.Uses("gpu"), gen.On("a"))
	ended := gen.Pod("web", gen.Uses("gpu"), gen.On("a"), gen.Phase(corev1.PodFailed))
	group := func(claim *resourcev1.ResourceClaim) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor, resourcev1.ResourceClaimConsumerReference{
			APIGroup: "scheduling.k8s.io", Resource: "podgroups", Name: "web", UID: "group",
		})
	}
	fromTemplate := gen.ClaimedBy(running, "gpu")
	for _, tt := range []struct {
		name  string
		claim []change
		pods  []*ocorev1.Pod
		want  string
	}{
		{"a claim that nobody uses is left alone", nil, nil, "nothing to do"},
		{"so is one that was allocated before anybody used it", []change{gen.Allocated("d0")}, nil, "nothing to do"},
		{"a pod that runs keeps its claim", []change{gen.Allocated("d0"), gen.ReservedFor(running)}, []*ocorev1.Pod{running}, "nothing to do"},
		{"so does one that waits for a node", []change{gen.Allocated("d0"), gen.ReservedFor(running)}, []*ocorev1.Pod{gen.Pod("web")}, "nothing to do"},
		{"with the last pod that has ended a claim loses its devices", []change{gen.Allocated("d0"), gen.ReservedFor(running)}, []*ocorev1.Pod{ended}, freed + unlocked},
		{"with the last that is gone too", []change{gen.Allocated("d0"), gen.ReservedFor(running)}, nil, freed + unlocked},
		{"with one that has been replaced too", []change{gen.Allocated("d0"), gen.ReservedFor(running)},
			[]*ocorev1.Pod{gen.Pod("web", func(pod *ocorev1.Pod) { pod.UID = "another" })}, freed + unlocked},
		{"with one that is deleted before it had a node too", []change{gen.Allocated("d0"), gen.ReservedFor(running)},
			[]*ocorev1.Pod{gen.Pod("web", gen.Going)}, freed + unlocked},
		{"a pod that ends on its node still uses its claim", []change{gen.Allocated("d0"), gen.ReservedFor(running)},
			[]*ocorev1.Pod{gen.Pod("web", gen.On("a"), gen.Going)}, "nothing to do"},
		{"one of several pods is taken off, and the others keep the devices", []change{gen.Allocated("d0"), gen.ReservedFor(gen.Pod("gone"), running)},
			[]*ocorev1.Pod{running}, `status ResourceClaim default/gpu {"status":{"reservedFor":[{"name":"web","resource":"pods","uid":"web"}]}}`},
		{"what is no pod stays", []change{gen.Allocated("d0"), gen.ReservedFor(running), group}, nil,
			`status ResourceClaim default/gpu {"status":{"reservedFor":[{"apiGroup":"scheduling.k8s.io","name":"web","resource":"podgroups","uid":"group"}]}}`},
		{"an allocation that others made is not taken back", []change{gen.Allocated("d0"), without, gen.ReservedFor(running)}, nil,
			`status ResourceClaim default/gpu {"status":{"reservedFor":null}}`},
		{"a deleted claim that nobody uses loses its devices and goes", []change{gen.Allocated("d0"), gen.Deleted[*resourcev1.ResourceClaim]}, nil,
			`status ResourceClaim default/gpu {"status":{"allocation":null}}` + "\n" + unlocked},
		{"one that was never allocated goes", []change{gen.Finalized[*resourcev1.ResourceClaim](resourcev1.Finalizer), gen.Deleted[*resourcev1.ResourceClaim]}, nil, unlocked},
		{"one that is used stays", []change{gen.Allocated("d0"), gen.ReservedFor(running), gen.Deleted[*resourcev1.ResourceClaim]}, []*ocorev1.Pod{running}, "nothing to do"},

		{"a claim from a template stays with its pod", []change{fromTemplate}, []*ocorev1.Pod{running}, "nothing to do"},
		{"it goes when the pod has ended", []change{fromTemplate}, []*ocorev1.Pod{ended}, deleted},
		{"its devices first", []change{fromTemplate, gen.Allocated("d0"), gen.ReservedFor(running)}, []*ocorev1.Pod{ended}, freed + unlocked + "\n" + deleted},
		{"not while another uses it", []change{fromTemplate, gen.Allocated("d0"), gen.ReservedFor(gen.Pod("other"))}, []*ocorev1.Pod{ended, gen.Pod("other")}, "nothing to do"},
		{"it goes when another pod has the name", []change{fromTemplate},
			[]*ocorev1.Pod{gen.Pod("web", func(pod *ocorev1.Pod) { pod.UID = "another" })}, deleted},
		{"it is garbage collection's when there is no such pod", []change{fromTemplate}, nil, "nothing to do"},
		{"it is deleted once", []change{fromTemplate, gen.Deleted[*resourcev1.ResourceClaim]}, []*ocorev1.Pod{ended}, "nothing to do"},
		{"a claim that something else owns which is called a pod is its", []change{fromTemplate, func(claim *resourcev1.ResourceClaim) {
			claim.OwnerReferences[0].APIVersion = "whales.example.com/v1"
		}}, []*ocorev1.Pod{ended}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claim := gen.ResourceClaim("gpu", tt.claim...)
			if got := (Controller{}).Plan(claim, worldOf(claim, tt.pods), gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// without takes the finalizer off.
func without(claim *resourcev1.ResourceClaim) { claim.Finalizers = nil }

// worldOf is what is observed of a claim where there are some pods.
func worldOf(claim *resourcev1.ResourceClaim, pods []*ocorev1.Pod) world {
	w := world{consumers: map[string]*ocorev1.Pod{}}
	for _, pod := range pods {
		w.consumers[pod.Name] = pod
		if len(claim.OwnerReferences) > 0 && claim.OwnerReferences[0].Name == pod.Name {
			w.owner = pod
		}
	}
	return w
}
