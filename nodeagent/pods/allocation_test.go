package pods

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func TestAPodHasWhatItWasAllocated(t *testing.T) {
	memory := func(value string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(value)}}
	}
	begun := func() *corev1.Pod {
		pod := &corev1.Pod{}
		pod.Spec.InitContainers = []corev1.Container{{Name: "init", Resources: memory("8Mi")}}
		pod.Spec.Containers = []corev1.Container{{Name: "main", Resources: memory("64Mi")}, {Name: "plain"}}
		return pod
	}
	told := map[string]string{cri.AnnotationAllocation: Allocation(begun())}
	for _, test := range []struct {
		name        string
		change      func(*corev1.Pod)
		annotations map[string]string
		same        bool
		want        string // the limit of the container main
	}{
		{"nothing has changed", func(*corev1.Pod) {}, told, true, "64Mi"},
		{"another spelling of the same", func(p *corev1.Pod) { p.Spec.Containers[0].Resources = memory("65536Ki") }, told, true, "64Mi"},
		{"a container is to get more", func(p *corev1.Pod) { p.Spec.Containers[0].Resources = memory("1Gi") }, told, false, "64Mi"},
		{"an init container is to get more", func(p *corev1.Pod) { p.Spec.InitContainers[0].Resources = memory("1Gi") }, told, false, "64Mi"},
		{"the pod is to get a limit", func(p *corev1.Pod) { given := memory("1Gi"); p.Spec.Resources = &given }, told, false, "64Mi"},
		{"its sandbox says nothing", func(p *corev1.Pod) { p.Spec.Containers[0].Resources = memory("1Gi") }, nil, true, "1Gi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := begun()
			test.change(pod)
			seen := pod.DeepCopy()
			given, same := (&worker{pod: pod, allocated: remembered(test.annotations)}).given()
			want := resource.MustParse(test.want)
			if got := given.Spec.Containers[0].Resources.Limits.Memory(); same != test.same || got.Cmp(want) != 0 {
				t.Errorf("as specified: %t, and the limit is %s; want %t and %s", same, got, test.same, test.want)
			}
			if Allocation(pod) != Allocation(seen) {
				t.Error("the pod that was seen was changed")
			}
		})
	}
}

// An agent that is started while the runtime is away, and before the pod's status came to the API server, lets the pod in by its spec.
func TestWhatTheSandboxRemembersCountsMoreThanTheSpecAPodWasLetInBy(t *testing.T) {
	asks := func(cpu string) *corev1.Pod {
		amounts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
		return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Resources: corev1.ResourceRequirements{Requests: amounts, Limits: amounts},
		}}}}
	}
	resized := asks("2")
	w := &worker{pod: resized, allocated: allocationOf(&resized.Spec)}
	sandbox := cri.Sandbox{Annotations: map[string]string{cri.AnnotationAllocation: Allocation(asks("1"))}}
	(&Loop{}).learn(w, []cri.Sandbox{sandbox})
	given, asSpecified := w.given()
	if got := given.Spec.Containers[0].Resources.Limits.Cpu().String(); asSpecified || got != "1" {
		t.Errorf("the pod may have %s CPUs, want 1, which its sandbox was made with", got)
	}
}
