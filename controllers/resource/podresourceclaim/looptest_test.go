package podresourceclaim

import (
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestPodsHaveTheirClaims lets pods, claims, a template and a group come and go, and somebody allocate claims, under both namings: no
// pod ever has two claims for one of its own, and in the end each that runs has its own, which its status tells of.
func TestPodsHaveTheirClaims(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					gen.ResourceClaimTemplate("gpus"),
					gen.Pod("web", gen.UsesOneOf("gpus", "gpu"), gen.UsesOneOf("nics", "nic"), gen.Uses("shared")),
					gen.Pod("db", gen.UsesOneOf("gpus", "gpu"), gen.InPodGroup("gang")),
				}
			},
			Prepare:      fakekubelet.DeletesGracefully,
			Change:       comeAndGo,
			Environment:  fakekubelet.Sync,
			Invariants:   []looptest.Invariant{neverTwoForOne},
			Converged:    eachHasItsOwn,
			CurrentLists: true, // claims have generated names
		})
	})
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	create := func(obj client.Object) {
		obj.SetUID("")
		if err := user.Create(t.Context(), obj); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
	claims, pods := looptest.All[*resourcev1.ResourceClaim](w), looptest.All[*ocorev1.Pod](w)
	switch what := rapid.SampledFrom([]string{"template", "group", "shared", "fail", "delete", "allocate", "delete pod"}).Draw(t, "what"); {
	case what == "template":
		create(gen.ResourceClaimTemplate("nics"))
	case what == "group":
		create(group())
	case what == "shared":
		create(gen.ResourceClaim("shared"))
	case what == "delete" && len(claims) > 0:
		if err := user.Delete(t.Context(), claims[rapid.IntRange(0, len(claims)-1).Draw(t, "claim")].DeepCopy()); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	case what == "allocate" && len(claims) > 0:
		looptest.Edit(w, "scheduler", claims[rapid.IntRange(0, len(claims)-1).Draw(t, "claim")], func(claim *resourcev1.ResourceClaim) {
			claim.Status.Allocation = &resourcev1.AllocationResult{}
		})
	case what == "fail" && len(pods) > 0:
		looptest.Edit(w, "kubelet", pods[0], func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	case what == "delete pod" && len(pods) > 0:
		if err := user.Delete(t.Context(), pods[len(pods)-1].DeepCopy()); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
}

func neverTwoForOne(w *looptest.World, _ looptest.Write) error {
	seen := map[string]string{}
	for _, claim := range looptest.All[*resourcev1.ResourceClaim](w) {
		if owner := metav1.GetControllerOf(claim); owner != nil {
			of := fmt.Sprint(owner.UID, claim.Annotations)
			if seen[of] != "" {
				return fmt.Errorf("%s and %s are made for one claim of pod %s", seen[of], claim.Name, owner.Name)
			}
			seen[of] = claim.Name
		}
	}
	return nil
}

func eachHasItsOwn(w *looptest.World) error {
	claims := map[string]*resourcev1.ResourceClaim{}
	for _, claim := range looptest.All[*resourcev1.ResourceClaim](w) {
		claims[claim.Name] = claim
	}
	// web waits for the second template, and db for its group.
	may := map[string]bool{
		"web": len(looptest.All[*resourcev1.ResourceClaimTemplate](w)) == 2,
		"db":  len(looptest.All[*oschedulingv1beta1.PodGroup](w)) == 1,
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if !needsClaims(pod) || !may[pod.Name] {
			continue
		}
		told := resourceclaims.Names(pod)
		if len(told) != len(pod.Spec.ResourceClaims) {
			return fmt.Errorf("pod %s has not got its claims: %v", pod.Name, told)
		}
		for _, name := range told {
			claim := claims[name]
			if name == "shared" && claim == nil {
				break // what stands behind it waits for it
			}
			if claim == nil || name != "shared" && !metav1.IsControlledBy(claim, pod) {
				return fmt.Errorf("pod %s has a claim %s, which is not its own", pod.Name, name)
			}
			if pod.Spec.NodeName != "" && claim.Status.Allocation != nil && len(claim.Status.ReservedFor) == 0 {
				return fmt.Errorf("claim %s is allocated and not reserved for pod %s", name, pod.Name)
			}
		}
	}
	return nil
}
