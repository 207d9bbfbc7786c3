package dynamicresources

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

const gpu corev1.ResourceName = "example.com/gpu"

func container(name string, gpus string) corev1.Container {
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	if gpus != "" {
		list[gpu] = resource.MustParse(gpus)
	}
	return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: list}}
}

func sidecar(name, gpus string) corev1.Container {
	c := container(name, gpus)
	c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	return c
}

func TestRequestsForExtendedResources(t *testing.T) {
	for name, test := range map[string]struct {
		init, app      []corev1.Container
		requests, uses string
	}{
		"each container has a request of its own": {
			app:      []corev1.Container{container("a", "1"), container("b", "2")},
			requests: "container-0-request-1:1 container-1-request-1:2",
			uses:     "a=container-0-request-1 b=container-1-request-1",
		},
		"a container that asks for nothing, or for none, has no request": {
			app:      []corev1.Container{container("a", ""), container("b", "0"), container("c", "1")},
			requests: "container-2-request-1:1",
			uses:     "c=container-2-request-1",
		},
		"an init container uses the devices of the containers after it": {
			init:     []corev1.Container{container("i", "2")},
			app:      []corev1.Container{container("a", "1"), container("b", "2")},
			requests: "container-1-request-1:1 container-2-request-1:2",
			uses:     "a=container-1-request-1 b=container-2-request-1 i=container-1-request-1 i=container-2-request-1",
		},
		"an init container that needs more has the rest to itself": {
			init:     []corev1.Container{container("i", "3")},
			app:      []corev1.Container{container("a", "1")},
			requests: "container-0-request-1:2 container-1-request-1:1",
			uses:     "a=container-1-request-1 i=container-1-request-1 i=container-0-request-1",
		},
		"init containers share the largest rest": {
			init:     []corev1.Container{container("i", "2"), container("j", "4"), container("k", "3")},
			app:      []corev1.Container{container("a", "1")},
			requests: "container-1-request-1:3 container-3-request-1:1",
			uses: "a=container-3-request-1 i=container-3-request-1 i=container-1-request-1 j=container-3-request-1 " +
				"j=container-1-request-1 k=container-3-request-1 k=container-1-request-1",
		},
		"a sidecar keeps its devices, and lends them only to init containers before it": {
			init:     []corev1.Container{container("i", "1"), sidecar("s", "1"), container("j", "1")},
			app:      []corev1.Container{container("a", "")},
			requests: "container-1-request-1:1 container-2-request-1:1",
			uses:     "s=container-1-request-1 i=container-1-request-1 j=container-2-request-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: test.init, Containers: test.app}}
			requests, uses := requestsFor(pod, map[corev1.ResourceName]string{gpu: "gpu.example.com"})
			var gotRequests, gotUses []string
			for _, request := range requests {
				if request.Exactly.DeviceClassName != "gpu.example.com" {
					t.Errorf("request %s is for class %q", request.Name, request.Exactly.DeviceClassName)
				}
				gotRequests = append(gotRequests, fmt.Sprintf("%s:%d", request.Name, request.Exactly.Count))
			}
			for _, use := range uses {
				gotUses = append(gotUses, use.ContainerName+"="+use.RequestName)
			}
			if got := strings.Join(gotRequests, " "); got != test.requests {
				t.Errorf("requests are %q, want %q", got, test.requests)
			}
			if got := strings.Join(gotUses, " "); got != test.uses {
				t.Errorf("uses are %q, want %q", got, test.uses)
			}
		})
	}
}

func TestRequestsAreNamedAfterThePlaceOfTheResource(t *testing.T) {
	c := container("a", "1")
	c.Resources.Requests["a.example.com/nic"] = resource.MustParse("1")
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}
	requests, _ := requestsFor(pod, map[corev1.ResourceName]string{gpu: "gpu", "a.example.com/nic": "nic"})
	var names []string
	for _, request := range requests {
		names = append(names, request.Name+"="+request.Exactly.DeviceClassName)
	}
	// In order they are a.example.com/nic, cpu, example.com/gpu.
	if want := []string{"container-0-request-0=nic", "container-0-request-2=gpu"}; !slices.Equal(names, want) {
		t.Errorf("requests are %q, want %q", names, want)
	}
}
