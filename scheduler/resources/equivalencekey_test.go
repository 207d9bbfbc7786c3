package resources_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/resources"
)

func requesting(cpu string) *corev1.Pod {
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi")}
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list}}}}}
}

func TestPodsThatCountDifferentlyHaveDifferentShapes(t *testing.T) {
	with := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := requesting("1")
		change(pod)
		return pod
	}
	gpus := corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
	own := corev1.Container{Resources: corev1.ResourceRequirements{Requests: gpus}}
	pods := map[string]*corev1.Pod{
		"plain":       requesting("1"),
		"a bit more":  requesting("1001m"),
		"a tiny more": requesting("1000000001n"),
		"less":        requesting("500m"),
		"two":         with(func(pod *corev1.Pod) { pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{}) }),
		"with a GPU": with(func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse("1")
		}),
		"two, one GPU": with(func(pod *corev1.Pod) { pod.Spec.Containers = append(pod.Spec.Containers, own) }),
		"init":         with(func(pod *corev1.Pod) { pod.Spec.InitContainers = []corev1.Container{own} }),
		"sidecar": with(func(pod *corev1.Pod) {
			own.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
			pod.Spec.InitContainers = []corev1.Container{own}
		}),
		"overhead":  with(func(pod *corev1.Pod) { pod.Spec.Overhead = gpus }),
		"pod level": with(func(pod *corev1.Pod) { pod.Spec.Resources = &corev1.ResourceRequirements{Requests: gpus} }),
	}
	keys := map[string]string{}
	for name, pod := range pods {
		key, ok := resources.AppendEquivalenceKey(nil, pod)
		if other, same := keys[string(key)]; !ok || same {
			t.Errorf("%q has the key of %q (%t)", name, other, ok)
		}
		keys[string(key)] = name
	}
	if key, _ := resources.AppendEquivalenceKey(nil, requesting("1000m")); keys[string(key)] != "plain" {
		t.Error("1000m is not 1")
	}
	resizing := with(func(pod *corev1.Pod) { pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "a"}} })
	if _, ok := resources.AppendEquivalenceKey(nil, resizing); ok {
		t.Error("a pod with statuses of containers has a key")
	}
}
