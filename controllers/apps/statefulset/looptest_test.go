package statefulset

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestStatefulSetsConverge lets users resize and change a StatefulSet and disturb its pods, under both
// namings: no pod of others is deleted, and in the end there are as many of the newest revision as there shall be, with their claims.
func TestStatefulSetsConverge(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		checkConverges(t, scheme, appsv1.OrderedReadyPodManagement)
	})
}

// TestParallelStatefulSetsConverge does so where pods need not wait for each other.
func TestParallelStatefulSetsConverge(t *testing.T) {
	checkConverges(t, gen.Schemes(t)[apis.Kubernetes], appsv1.ParallelPodManagement)
}

func checkConverges(t *testing.T, scheme *runtime.Scheme, policy appsv1.PodManagementPolicyType) {
	looptest.Check(t, looptest.Spec{
		CurrentLists: true, // as in our managers: see loop.NewInformer
		Scheme:       scheme,
		Loops:        []loop.Loop{Loop()},
		Start: func(t *rapid.T) []client.Object {
			return []client.Object{gen.StatefulSet("web", rapid.Int32Range(0, 3).Draw(t, "size"), storing, func(set *oappsv1.StatefulSet) {
				set.Spec.PodManagementPolicy = policy
			})}
		},
		Prepare:     fakekubelet.DeletesGracefully,
		Change:      changeOrDisturb,
		Environment: fakekubelet.Sync,
		Invariants:  []looptest.Invariant{leavesOthersAlone},
		Converged:   allOfTheNewest,
	})
}

// storing gives a StatefulSet a claim for each pod.
func storing(set *oappsv1.StatefulSet) {
	set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}
}

func changeOrDisturb(t *rapid.T, w *looptest.World) {
	set := looptest.All[*oappsv1.StatefulSet](w)[0]
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		n := rapid.Int32Range(0, 3).Draw(t, "size")
		looptest.Edit(w, "user", set, func(set *oappsv1.StatefulSet) { set.Spec.Replicas = &n })
	case 1:
		image := rapid.SampledFrom([]string{"web:1", "web:2", "web:3"}).Draw(t, "image")
		looptest.Edit(w, "user", set, func(set *oappsv1.StatefulSet) { set.Spec.Template.Spec.Containers[0].Image = image })
	case 2:
		one := rapid.SampledFrom([]appsv1.PersistentVolumeClaimRetentionPolicyType{appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType})
		policy := appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenDeleted: one.Draw(t, "deleted"), WhenScaled: one.Draw(t, "scaled")}
		looptest.Edit(w, "user", set, func(set *oappsv1.StatefulSet) { set.Spec.PersistentVolumeClaimRetentionPolicy = &policy })
	default:
		failOrDelete(t, w)
	}
}

func failOrDelete(t *rapid.T, w *looptest.World) {
	pods := looptest.All[*ocorev1.Pod](w)
	if len(pods) == 0 {
		return
	}
	pod := pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")]
	if rapid.Bool().Draw(t, "fails") {
		looptest.Edit(w, "kubelet", pod, func(pod *ocorev1.Pod) { pod.Status.Phase = corev1.PodFailed })
	} else if err := w.Client("user").Delete(t.Context(), pod.DeepCopy()); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
}

func leavesOthersAlone(w *looptest.World, wrote looptest.Write) error {
	pod, ok := wrote.Before.(*ocorev1.Pod)
	if !ok || wrote.By != "statefulset-controller" || wrote.Verb != "delete" {
		return nil
	}
	if !metav1.IsControlledBy(pod, looptest.All[*oappsv1.StatefulSet](w)[0]) {
		return fmt.Errorf("pod %s is not its own", pod.Name)
	}
	return nil
}

func allOfTheNewest(w *looptest.World) error {
	set, have := looptest.All[*oappsv1.StatefulSet](w)[0], int32(0)
	claims := map[string]*ocorev1.PersistentVolumeClaim{}
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		claims[claim.Name] = claim
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		ordinal, numbered := podtemplate.Ordinal(set.Name, pod.Name)
		have++
		if image := pod.Spec.Containers[0].Image; image != set.Spec.Template.Spec.Containers[0].Image || !numbered || !replicas.Ready(pod) || ordinal >= desired(set) {
			return fmt.Errorf("pod %s has image %s, and is ready: %t", pod.Name, image, replicas.Ready(pod))
		}
		claim := claims[volumeName(set, &set.Spec.VolumeClaimTemplates[0], ordinal)]
		withSet, _ := retention(set)
		if claim == nil || metav1.IsControlledBy(claim, set) != withSet || metav1.IsControlledBy(claim, pod) {
			return fmt.Errorf("the claim of pod %s is %+v", pod.Name, claim)
		}
	}
	s := set.Status
	all := *set.Spec.Replicas
	if have != all || s.Replicas != have || s.ReadyReplicas != have || s.UpdatedReplicas != have {
		return fmt.Errorf("%d pods of %d, and the status is %+v", have, all, s)
	}
	if s.CurrentRevision != s.UpdateRevision || s.CurrentReplicas != have {
		return fmt.Errorf("all are of the newest revision, and the status is %+v", s)
	}
	return nil
}
