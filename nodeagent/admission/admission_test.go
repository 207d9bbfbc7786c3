package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func pod(changes ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
	for _, change := range changes {
		change(p)
	}
	return p
}

func asks(name corev1.ResourceName, amount string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{name: resource.MustParse(amount)}
	}
}

func port(port corev1.ContainerPort) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{port} }
}

func TestThereAreAsManyDevicesAsPluginsOffer(t *testing.T) {
	devices := Devices(func(*corev1.Pod) corev1.ResourceList {
		return corev1.ResourceList{"example.com/gpu": resource.MustParse("2"), "example.com/gone": resource.MustParse("0")}
	})
	others := []*corev1.Pod{pod(asks("example.com/gpu", "1"))}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"the last one", pod(asks("example.com/gpu", "1")), ""},
		{"one more than are left", pod(asks("example.com/gpu", "2")),
			"OutOfexample.com/gpu: Node didn't have enough resource: example.com/gpu, requested: 2, used: 1, capacity: 2"},
		{"one whose plugin is gone", pod(asks("example.com/gone", "1")),
			"OutOfexample.com/gone: Node didn't have enough resource: example.com/gone, requested: 1, used: 0, capacity: 0"},
		{"what no plugin offers", pod(asks("example.com/other", "1")), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if refused := devices(test.pod, others); refused != nil {
				got = refused.Reason + ": " + refused.Message
			}
			if got != test.want {
				t.Errorf("it is refused with %q, want %q", got, test.want)
			}
		})
	}
}

func initialized(ports corev1.ContainerPort, policy *corev1.ContainerRestartPolicy) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Name: "init", Ports: []corev1.ContainerPort{ports}, RestartPolicy: policy}}
	}
}

func TestANodeHasTheLastWordOnItsRoom(t *testing.T) {
	const ports = "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
	room := Room(corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourcePods: resource.MustParse("3"),
	})
	for _, test := range []struct {
		name   string
		pod    *corev1.Pod
		others []*corev1.Pod
		want   string
	}{
		{"the last CPU", pod(asks(corev1.ResourceCPU, "600m")), []*corev1.Pod{pod(asks(corev1.ResourceCPU, "400m"))}, ""},
		{"more CPU than is left", pod(asks(corev1.ResourceCPU, "600m")), []*corev1.Pod{pod(asks(corev1.ResourceCPU, "500m"))},
			"OutOfcpu: Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000"},
		{"more memory than there is", pod(asks(corev1.ResourceMemory, "2Gi")), nil,
			"OutOfmemory: Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824"},
		{"a pod too many", pod(), []*corev1.Pod{pod(), pod(), pod()},
			"OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"},
		{"nothing, on a node where others have too much", pod(), []*corev1.Pod{pod(asks(corev1.ResourceCPU, "2"))}, ""},
		{"an extended resource, which is not ours to count", pod(asks("example.com/gpu", "1")), nil, ""},
		{"what the node does not limit", pod(asks(corev1.ResourceEphemeralStorage, "1Ti")), nil, ""},
		{"a host port that is taken", pod(port(corev1.ContainerPort{HostPort: 80})), []*corev1.Pod{pod(port(corev1.ContainerPort{HostPort: 80, Protocol: "TCP"}))}, ports},
		{"the port of another protocol", pod(port(corev1.ContainerPort{HostPort: 53, Protocol: "UDP"})), []*corev1.Pod{pod(port(corev1.ContainerPort{HostPort: 53}))}, ""},
		{"the port of another address", pod(port(corev1.ContainerPort{HostPort: 80, HostIP: "192.0.2.1"})),
			[]*corev1.Pod{pod(port(corev1.ContainerPort{HostPort: 80, HostIP: "192.0.2.2"}))}, ""},
		{"the port of all addresses", pod(port(corev1.ContainerPort{HostPort: 80, HostIP: "0.0.0.0"})),
			[]*corev1.Pod{pod(port(corev1.ContainerPort{HostPort: 80, HostIP: "192.0.2.2"}))}, ports},
		{"the port of an init container, which ends", pod(port(corev1.ContainerPort{HostPort: 80})),
			[]*corev1.Pod{pod(initialized(corev1.ContainerPort{HostPort: 80}, nil))}, ""},
		{"the port of a sidecar", pod(port(corev1.ContainerPort{HostPort: 80})),
			[]*corev1.Pod{pod(initialized(corev1.ContainerPort{HostPort: 80}, ptr.To(corev1.ContainerRestartPolicyAlways)))}, ports},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if failure := room(test.pod, test.others); failure != nil {
				got = failure.Reason + ": " + failure.Message
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
