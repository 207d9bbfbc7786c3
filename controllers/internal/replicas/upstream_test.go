package replicas_test

import (
	"fmt"
	"sort"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	"k8s.io/kubernetes/pkg/controller"
	"pgregory.net/rapid"
)

// The tests of this file ask Kubernetes' own functions for the answer, on random pods.

func TestTheOrderOfTwoPodsIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pods := []*ocorev1.Pod{drawPod(t, "a"), drawPod(t, "b")}
		siblings := []*ocorev1.Pod{drawPod(t, "c"), drawPod(t, "d"), drawPod(t, "e")}
		upstream := controller.ActivePodsWithRanks{Now: metav1.NewTime(gen.Now)}
		for _, pod := range pods {
			rank := 0
			for _, sibling := range siblings {
				if controller.IsPodActive((*corev1.Pod)(sibling)) && sibling.Spec.NodeName == pod.Spec.NodeName {
					rank++
				}
			}
			upstream.Pods, upstream.Rank = append(upstream.Pods, (*corev1.Pod)(pod)), append(upstream.Rank, rank)
		}
		if !upstream.Less(0, 1) && !upstream.Less(1, 0) {
			t.Skip("Kubernetes does not mind")
		}
		sort.Sort(upstream)
		if got := replicas.Expendable(pods, siblings, 1, gen.Now); got[0].Name != upstream.Pods[0].Name {
			t.Fatalf("%s goes first, in Kubernetes %s", got[0].Name, upstream.Pods[0].Name)
		}
	})
}

func TestAvailabilityIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := drawPod(t, "p")
		seconds := rapid.Int32Range(0, 100).Draw(t, "minReadySeconds")
		want := podutil.IsPodAvailable((*corev1.Pod)(pod), seconds, metav1.NewTime(gen.Now))
		if got := replicas.Available(pod, seconds, gen.Now); got != want {
			t.Errorf("Available is %t, in Kubernetes %t", got, want)
		}
		if got, want := replicas.Active(pod), controller.IsPodActive((*corev1.Pod)(pod)); got != want {
			t.Errorf("Active is %t, in Kubernetes %t", got, want)
		}
		if got, want := replicas.Terminating(pod), controller.IsPodTerminating((*corev1.Pod)(pod)); got != want {
			t.Errorf("Terminating is %t, in Kubernetes %t", got, want)
		}
	})
}

func drawPod(t *rapid.T, name string) *ocorev1.Pod {
	age := func(what string) metav1.Time {
		if rapid.IntRange(0, 9).Draw(t, name+": knows "+what) == 0 {
			return metav1.Time{}
		}
		return gen.Ago(time.Duration(rapid.IntRange(-5, 200).Draw(t, name+": "+what)) * time.Second)
	}
	pod := gen.Pod(name, gen.Created(age("age")), gen.Restarts(rapid.Int32Range(0, 2).Draw(t, name+": restarts")))
	pod.Spec.NodeName = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, name+": node")
	pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{
		corev1.PodPending, corev1.PodRunning, corev1.PodRunning, corev1.PodUnknown, corev1.PodFailed, corev1.PodSucceeded,
	}).Draw(t, name+": phase")
	if rapid.IntRange(0, 2).Draw(t, name+": readiness") > 0 {
		pod.Status.Conditions = []corev1.PodCondition{{
			Type:               corev1.PodReady,
			Status:             rapid.SampledFrom([]corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse}).Draw(t, name+": ready"),
			LastTransitionTime: age("ready since"),
		}}
	}
	if rapid.IntRange(0, 4).Draw(t, name+": going") == 0 {
		gen.Going(pod)
	}
	cost := rapid.SampledFrom([]string{"", "1", "-1", "007", "+5", "nonsense", "0", "-08"}).Draw(t, name+": cost")
	pod.Annotations = map[string]string{corev1.PodDeletionCost: cost}
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.InitContainers = []corev1.Container{{Name: "init"}, {Name: "sidecar", RestartPolicy: &always}}
	for _, c := range pod.Spec.InitContainers {
		n := rapid.Int32Range(0, 2).Draw(t, fmt.Sprintf("%s: restarts of %s", name, c.Name))
		pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, corev1.ContainerStatus{Name: c.Name, RestartCount: n})
	}
	return pod
}
