package podgroupprotection

import (
	"fmt"
	"slices"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podgroups"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestGroupsOutliveTheirPods lets pods of a group come, end and go while the group is deleted, under both namings: it never goes under a
// pod that has not ended, and it goes in the end.
func TestGroupsOutliveTheirPods(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					gen.PodGroup("gang", protected), gen.PodGroup("band"),
					gen.Pod("a", gen.InPodGroup("gang")), gen.Pod("b", gen.InPodGroup("gang")),
				}
			},
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      comeAndGo,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{neverUnderAPod},
			Converged:   goneOrProtected,
		})
	})
}

func comeAndGo(t *rapid.T, w *looptest.World) {
	user := w.Client("user")
	pods, groups := looptest.All[*ocorev1.Pod](w), looptest.All[*oschedulingv1beta1.PodGroup](w)
	remove := func(obj client.Object) {
		if err := user.Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
	switch what := rapid.SampledFrom([]string{"delete pod", "delete group", "end", "come"}).Draw(t, "what"); {
	case what == "delete group" && len(groups) > 0:
		group := groups[rapid.IntRange(0, len(groups)-1).Draw(t, "group")]
		if slices.Contains(group.Finalizers, finalizer) { // admission puts it on at once
			remove(group.DeepCopy())
		}
	case what == "come":
		if err := user.Create(t.Context(), gen.Pod("c", gen.InPodGroup("band"), func(pod *ocorev1.Pod) { pod.UID = "" })); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	case what == "delete pod" && len(pods) > 0:
		remove(pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")].DeepCopy())
	case what == "end" && len(pods) > 0:
		looptest.Edit(w, "kubelet", pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")], gen.Phase(corev1.PodSucceeded))
	}
}

func neverUnderAPod(w *looptest.World, wrote looptest.Write) error {
	group, ok := wrote.Before.(*oschedulingv1beta1.PodGroup)
	if !ok || wrote.After != nil {
		return nil
	}
	if pod := holder(w, group); pod != "" {
		return fmt.Errorf("group %s went, and pod %s has not ended", group.Name, pod)
	}
	return nil
}

func holder(w *looptest.World, group *oschedulingv1beta1.PodGroup) string {
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if podgroups.Of(pod) == group.Name && !replicas.Ended(pod) {
			return pod.Name
		}
	}
	return ""
}

func goneOrProtected(w *looptest.World) error {
	for _, group := range looptest.All[*oschedulingv1beta1.PodGroup](w) {
		if !slices.Contains(group.Finalizers, finalizer) {
			return fmt.Errorf("group %s is not protected", group.Name)
		}
		if group.DeletionTimestamp != nil && holder(w, group) == "" {
			return fmt.Errorf("group %s is deleted, and none of its pods runs", group.Name)
		}
	}
	return nil
}
