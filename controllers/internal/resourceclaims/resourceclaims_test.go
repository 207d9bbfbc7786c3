package resourceclaims_test

import (
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
)

func TestNamesOfClaims(t *testing.T) {
	for _, tt := range []struct {
		name string
		pod  *ocorev1.Pod
		want []string
	}{
		{"none of a pod that asks for none", gen.Pod("web"), nil},
		{"those that it names", gen.Pod("web", gen.Uses("shared")), []string{"shared"}},
		{"those that its status tells of", gen.Pod("web", gen.UsesOneOf("gpus", "gpu"), gen.Told("gpu", "web-gpu-1")), []string{"web-gpu-1"}},
		{"not those that are not made yet", gen.Pod("web", gen.UsesOneOf("gpus", "gpu")), nil},
		{"not those that turned out not to be needed", gen.Pod("web", gen.UsesOneOf("gpus", "gpu"), func(pod *ocorev1.Pod) {
			pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "gpu"}}
		}), nil},
		{"each once", gen.Pod("web", gen.Uses("shared"), gen.Uses("shared")), []string{"shared"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := resourceclaims.Names(tt.pod); !slices.Equal(got, tt.want) {
				t.Errorf("they are %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhoseAClaimIs(t *testing.T) {
	own := gen.ClaimedBy(gen.Pod("web"), "gpu")
	as := func(apiVersion string) func(*resourcev1.ResourceClaim) {
		return func(claim *resourcev1.ResourceClaim) { claim.OwnerReferences[0].APIVersion = apiVersion }
	}
	for _, tt := range []struct {
		name  string
		claim *resourcev1.ResourceClaim
		want  bool
	}{
		{"nobody's", gen.ResourceClaim("gpu"), false},
		{"a pod's", gen.ResourceClaim("gpu", own), true},
		{"a pod's by its second name", gen.ResourceClaim("gpu", own, as("core.orrery.dev/v1")), true},
		{"not that of another kind of pod", gen.ResourceClaim("gpu", own, as("whales.example.com/v1")), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := resourceclaims.MadeFor(tt.claim); (got != nil) != tt.want {
				t.Errorf("it is made for %v, want for a pod: %t", got, tt.want)
			}
		})
	}
}

func TestWhenAPodIsDone(t *testing.T) {
	for _, tt := range []struct {
		name string
		pod  *ocorev1.Pod
		want bool
	}{
		{"not while it waits", gen.Pod("web"), false},
		{"not while it ends on its node", gen.Pod("web", gen.On("a"), gen.Going), false},
		{"when it has ended", gen.Pod("web", gen.On("a"), gen.Phase(corev1.PodSucceeded)), true},
		{"when it is deleted before it had a node", gen.Pod("web", gen.Going), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := resourceclaims.Done(tt.pod); got != tt.want {
				t.Errorf("it is done: %t, want %t", got, tt.want)
			}
		})
	}
}
