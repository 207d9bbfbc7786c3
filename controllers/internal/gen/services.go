package gen

import (
	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	k8scorev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Service builds an IPv4 Service with a cluster IP, the port 80, and the pods with the label app of its name. Its UID is
// its name.
func Service(name string, changes ...func(*corev1.Service)) *corev1.Service {
	service := &corev1.Service{
		ObjectMeta: meta(name),
		Spec: k8scorev1.ServiceSpec{
			Type:       k8scorev1.ServiceTypeClusterIP,
			ClusterIP:  "10.0.0.1",
			IPFamilies: []k8scorev1.IPFamily{k8scorev1.IPv4Protocol},
			Selector:   map[string]string{"app": name},
			Ports:      []k8scorev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt(8080), Protocol: k8scorev1.ProtocolTCP}},
		},
	}
	for _, change := range changes {
		change(service)
	}
	return service
}

// Headless takes a Service's cluster IP away.
func Headless(service *corev1.Service) { service.Spec.ClusterIP = k8scorev1.ClusterIPNone }

// Families sets a Service's IP families.
func Families(families ...k8scorev1.IPFamily) func(*corev1.Service) {
	return func(service *corev1.Service) { service.Spec.IPFamilies = families }
}

// PublishNotReady makes a Service list pods that are not ready as if they were.
func PublishNotReady(service *corev1.Service) { service.Spec.PublishNotReadyAddresses = true }

// TargetPort sets the target of a Service's only port, a number or a name.
func TargetPort(target string) func(*corev1.Service) {
	return func(service *corev1.Service) { service.Spec.Ports[0].TargetPort = intstr.Parse(target) }
}

// IP gives a pod addresses.
func IP(addresses ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.PodIP = addresses[0]
		for _, address := range addresses {
			pod.Status.PodIPs = append(pod.Status.PodIPs, k8scorev1.PodIP{IP: address})
		}
	}
}

// Port names a port of a pod's only container.
func Port(name string, number int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports, k8scorev1.ContainerPort{
			Name: name, ContainerPort: number, Protocol: k8scorev1.ProtocolTCP,
		})
	}
}
