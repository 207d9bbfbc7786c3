package gen

import (
	"strconv"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	k8scorev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Now is the moment that tests of pure functions happen at.
var Now = time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)

// Ago is the moment so long before Now.
func Ago(d time.Duration) metav1.Time { return metav1.NewTime(Now.Add(-d)) }

// Pod builds a pending pod that has no node. Its UID is its name.
func Pod(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: meta(name),
		Spec:       k8scorev1.PodSpec{Containers: []k8scorev1.Container{{Name: "app", Image: "app:1"}}},
		Status:     k8scorev1.PodStatus{Phase: k8scorev1.PodPending},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

// Of makes a pod one of owner's, with labels.
func Of(owner client.Object, kind string, labels map[string]string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		yes := true
		pod.Labels = labels
		pod.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "v1", Kind: kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: &yes, BlockOwnerDeletion: &yes,
		}}
	}
}

// Labelled sets a label.
func Labelled(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		if pod.Labels == nil {
			pod.Labels = map[string]string{}
		}
		pod.Labels[key] = value
	}
}

// On puts a pod on a node, where it runs.
func On(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = node, k8scorev1.PodRunning }
}

// Ready makes a pod run on node a, where none is set, and be ready since a moment.
func Ready(since metav1.Time) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		if pod.Spec.NodeName == "" {
			On("a")(pod)
		}
		pod.Status.Conditions = append(pod.Status.Conditions, k8scorev1.PodCondition{
			Type: k8scorev1.PodReady, Status: k8scorev1.ConditionTrue, LastTransitionTime: since,
		})
	}
}

// Phase sets a pod's phase.
func Phase(phase k8scorev1.PodPhase) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Status.Phase = phase }
}

// Going marks a pod as being deleted.
func Going(pod *corev1.Pod) {
	at := Ago(time.Second)
	pod.DeletionTimestamp = &at
}

// Created sets when a pod was created.
func Created(at metav1.Time) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.CreationTimestamp = at }
}

// Restarts sets how often the only container has restarted.
func Restarts(n int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses = []k8scorev1.ContainerStatus{{Name: "app", RestartCount: n}}
	}
}

// DeletionCost sets what it costs to delete a pod.
func DeletionCost(n int) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{k8scorev1.PodDeletionCost: strconv.Itoa(n)}
	}
}
