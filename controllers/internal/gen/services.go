package gen

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Service builds an IPv4 Service with a cluster IP, the port 80, and the pods with the label app of its name. Its UID is
// its name.
func Service(name string, changes ...func(*ocorev1.Service)) *ocorev1.Service {
	service := &ocorev1.Service{
		ObjectMeta: meta(name),
		Spec: corev1.ServiceSpec{
			Type:       corev1.ServiceTypeClusterIP,
			ClusterIP:  "10.0.0.1",
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Selector:   map[string]string{"app": name},
			Ports:      []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt(8080), Protocol: corev1.ProtocolTCP}},
		},
	}
	for _, change := range changes {
		change(service)
	}
	return service
}

// Headless takes a Service's cluster IP away.
func Headless(service *ocorev1.Service) { service.Spec.ClusterIP = corev1.ClusterIPNone }

// Families sets a Service's IP families.
func Families(families ...corev1.IPFamily) func(*ocorev1.Service) {
	return func(service *ocorev1.Service) { service.Spec.IPFamilies = families }
}

// PublishNotReady makes a Service list pods that are not ready as if they were.
func PublishNotReady(service *ocorev1.Service) { service.Spec.PublishNotReadyAddresses = true }

// TargetPort sets the target of a Service's only port, a number or a name.
func TargetPort(target string) func(*ocorev1.Service) {
	return func(service *ocorev1.Service) { service.Spec.Ports[0].TargetPort = intstr.Parse(target) }
}

// IP gives a pod addresses.
func IP(addresses ...string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Status.PodIP = addresses[0]
		for _, address := range addresses {
			pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: address})
		}
	}
}

// Port names a port of a pod's only container.
func Port(name string, number int32) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports, corev1.ContainerPort{
			Name: name, ContainerPort: number, Protocol: corev1.ProtocolTCP,
		})
	}
}
