package resourceclaim

import (
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/resourceclaims"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestClaimsOutliveTheirConsumers lets pods come and go, a scheduler reserve claims for them, and users delete claims, under both
// namings: no pod loses its devices before it has ended, and in the end nobody has devices who does not run.
func TestClaimsOutliveTheirConsumers(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:      scheme,
			Loops:       []loop.Loop{Loop()},
			Start:       aSharedClaimAndOneOfItsOwn,
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      scheduleOrEnd,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{nobodyLosesWhatRuns},
			Converged:   nobodyHasWhatDoesNotRun,
		})
	})
}

func aSharedClaimAndOneOfItsOwn(*rapid.T) []client.Object {
	web := gen.Pod("web", gen.Uses("shared"), gen.UsesOneOf("gpus", "gpu"), gen.Told("gpu", "own"))
	return []client.Object{
		web, gen.Pod("db", gen.Uses("shared")),
		gen.ResourceClaim("shared"), gen.ResourceClaim("own", gen.ClaimedBy(web, "gpu")),
	}
}

func scheduleOrEnd(t *rapid.T, w *looptest.World) {
	pods := looptest.All[*ocorev1.Pod](w)
	switch what := rapid.SampledFrom([]string{"reserve", "fail", "delete pod", "delete claim", "replace"}).Draw(t, "what"); {
	case what == "replace" && len(pods) < 2:
		if err := w.Client("user").Create(t.Context(), gen.Pod("db", gen.Uses("shared"), func(pod *ocorev1.Pod) { pod.UID = "" })); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	case what == "delete claim":
		remove(t, w, looptest.All[*resourcev1.ResourceClaim](w))
	case len(pods) == 0:
	case what == "reserve":
		reserve(w, pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")])
	case what == "fail":
		looptest.Edit(w, "kubelet", pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")], func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	case what == "delete pod":
		remove(t, w, pods)
	}
}

func remove[T client.Object](t *rapid.T, w *looptest.World, objs []T) {
	if len(objs) == 0 {
		return
	}
	obj := objs[rapid.IntRange(0, len(objs)-1).Draw(t, "object")].DeepCopyObject().(client.Object)
	if err := w.Client("user").Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

// reserve is what a scheduler does for a pod that may still run: it allocates its claims, and reserves them.
func reserve(w *looptest.World, pod *ocorev1.Pod) {
	if resourceclaims.Done(pod) {
		return
	}
	for _, name := range resourceclaims.Names(pod) {
		looptest.Edit(w, "scheduler", gen.ResourceClaim(name), func(claim *resourcev1.ResourceClaim) {
			if claim.Status.Allocation == nil && claim.DeletionTimestamp == nil {
				gen.Allocated("d0")(claim)
			}
			if claim.Status.Allocation != nil && !isReserved(claim, pod.UID) {
				gen.ReservedFor(pod)(claim)
			}
		})
	}
}

func isReserved(claim *resourcev1.ResourceClaim, uid types.UID) bool {
	return slices.ContainsFunc(claim.Status.ReservedFor, func(c resourcev1.ResourceClaimConsumerReference) bool { return c.UID == uid })
}

func nobodyLosesWhatRuns(w *looptest.World, wrote looptest.Write) error {
	claim, ok := wrote.Before.(*resourcev1.ResourceClaim)
	if !ok || wrote.By != "resourceclaim-controller" {
		return nil
	}
	after, _ := wrote.After.(*resourcev1.ResourceClaim)
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if resourceclaims.Done(pod) || !isReserved(claim, pod.UID) {
			continue
		}
		if after == nil || !isReserved(after, pod.UID) || after.Status.Allocation == nil {
			return fmt.Errorf("pod %s may run, and claim %s is taken from it", pod.Name, claim.Name)
		}
	}
	return nil
}

func nobodyHasWhatDoesNotRun(w *looptest.World) error {
	pods := map[types.UID]*ocorev1.Pod{}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if !resourceclaims.Done(pod) {
			pods[pod.UID] = pod
		}
	}
	for _, claim := range looptest.All[*resourcev1.ResourceClaim](w) {
		for _, consumer := range claim.Status.ReservedFor {
			if pods[consumer.UID] == nil {
				return fmt.Errorf("claim %s is reserved for %s, which does not run", claim.Name, consumer.Name)
			}
		}
		if owner := resourceclaims.MadeFor(claim); owner != nil && pods[owner.UID] == nil {
			return fmt.Errorf("claim %s is there without its pod %s", claim.Name, owner.Name)
		}
		if len(claim.Status.ReservedFor) == 0 && (claim.Status.Allocation != nil || claim.DeletionTimestamp != nil) {
			return fmt.Errorf("nobody uses claim %s, and it has devices or is still there", claim.Name)
		}
	}
	return nil
}
