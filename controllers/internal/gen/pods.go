package gen

import (
	"strconv"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Now is the moment that tests of pure functions happen at.
var Now = time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)

// Ago is the moment so long before Now.
func Ago(d time.Duration) metav1.Time { return metav1.NewTime(Now.Add(-d)) }

// Pod builds a pending pod that has no node. Its UID is its name.
func Pod(name string, changes ...func(*ocorev1.Pod)) *ocorev1.Pod {
	pod := &ocorev1.Pod{
		ObjectMeta: meta(name),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

// Of makes a pod one of owner's, with labels.
func Of(owner client.Object, kind string, labels map[string]string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		yes := true
		pod.Labels = labels
		pod.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "v1", Kind: kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: &yes, BlockOwnerDeletion: &yes,
		}}
	}
}

// Labelled sets a label.
func Labelled(key, value string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		if pod.Labels == nil {
			pod.Labels = map[string]string{}
		}
		pod.Labels[key] = value
	}
}

// On puts a pod on a node, where it runs.
func On(node string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Spec.NodeName, pod.Status.Phase = node, corev1.PodRunning }
}

// Ready makes a pod run on node a, where none is set, and be ready since a moment.
func Ready(since metav1.Time) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		if pod.Spec.NodeName == "" {
			On("a")(pod)
		}
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: since,
		})
	}
}

// NotReady makes a pod have ceased to be ready at a moment.
func NotReady(since metav1.Time) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: since}}
	}
}

// Phase sets a pod's phase.
func Phase(phase corev1.PodPhase) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Status.Phase = phase }
}

// Going marks a pod as being deleted.
func Going(pod *ocorev1.Pod) {
	at := Ago(time.Second)
	pod.DeletionTimestamp = &at
}

// Created sets when a pod was created.
func Created(at metav1.Time) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.CreationTimestamp = at }
}

// Restarts sets how often the only container has restarted.
func Restarts(n int32) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: n}}
	}
}

// DeletionCost sets what it costs to delete a pod.
func DeletionCost(n int) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Annotations = map[string]string{corev1.PodDeletionCost: strconv.Itoa(n)}
	}
}
