package naming_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// groups are the API groups under which a Pod is served: as a built-in kind, and as a custom resource.
var groups = map[string]string{"kubernetes": "", "orrery": "core.example.org"}

// newWorld is a world with the Pod default/web, whose kind is served under a group.
func newWorld(t *testing.T, group string, pod *corev1.Pod) *looptest.World {
	t.Helper()
	scheme := runtime.NewScheme()
	version := schema.GroupVersion{Group: group, Version: "v1"}
	scheme.AddKnownTypes(version, &corev1.Pod{}, &corev1.PodList{}, &corev1.Binding{})
	metav1.AddToGroupVersion(scheme, version)
	w := looptest.NewWorld(scheme)
	w.Put(pod)
	if group == "" {
		w.Subresources = map[string]func(stored, body client.Object) error{"binding": bindAsTheServer}
	}
	return w
}

// bindAsTheServer is what a Kubernetes API server does with a binding. A custom resource has no such subresource.
func bindAsTheServer(stored, body client.Object) error {
	pod, binding := stored.(*corev1.Pod), body.(*corev1.Binding)
	refuse := func(why string) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "pods/binding"}, pod.Name, errors.New(why))
	}
	switch {
	case binding.UID != pod.UID:
		return refuse(fmt.Sprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s", binding.UID, pod.UID))
	case pod.DeletionTimestamp != nil:
		return refuse("pod web is being deleted, cannot be assigned to a host")
	case pod.Spec.NodeName != "":
		return refuse("pod web is already assigned to node " + pod.Spec.NodeName)
	case len(pod.Spec.SchedulingGates) > 0:
		return refuse("pod web has non-empty .spec.schedulingGates")
	}
	pod.Spec.NodeName = binding.Target.Name
	pod.Status.NominatedNodeName = ""
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue})
	return nil
}

// aPod is the Pod default/web, with two conditions that are not the scheduler's.
func aPod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: "example.org/Approved", Status: corev1.ConditionTrue},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse},
	}
	if change != nil {
		change(pod)
	}
	return pod
}

// stored is the Pod as it is; nil if there is none.
func stored(w *looptest.World) *corev1.Pod {
	for _, pod := range looptest.All[*corev1.Pod](w) {
		return pod.DeepCopy()
	}
	return nil
}

func conditionsOf(pod *corev1.Pod) map[corev1.PodConditionType]corev1.ConditionStatus {
	all := map[corev1.PodConditionType]corev1.ConditionStatus{}
	for _, c := range pod.Status.Conditions {
		all[c.Type] = c.Status
	}
	return all
}
