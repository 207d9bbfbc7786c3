package differential

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var serviceSubject = subject{
	name: "Service",
	start: func(s *scenario) {
		replicas := int32(s.IntN(5))
		t := template("web", "web:1")
		t.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
		s.do(fmt.Sprintf("a ReplicaSet of %d is created", replicas), creates(func() client.Object {
			return &appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selects("web"), Template: *t.DeepCopy()}}
		}))
		service := &corev1.Service{ObjectMeta: s.meta(name), Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"}, PublishNotReadyAddresses: s.chance(25),
			Ports: []corev1.ServicePort{{Name: "web", Port: 80, TargetPort: intstr.FromString([]string{"http", "unknown"}[s.IntN(8)/7])}},
		}}
		what := "a Service is created"
		if s.chance(30) {
			service.Spec.ClusterIP = corev1.ClusterIPNone
			what += ", headless"
			if s.chance(30) {
				service.Spec.Ports = nil
				what += ", without ports"
			}
		}
		if s.chance(30) && service.Spec.Ports != nil {
			service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: "more", Port: 81, TargetPort: intstr.FromInt32(8081), Protocol: corev1.ProtocolUDP})
			what += ", with two ports"
		}
		s.begin(what, service)
		if s.chance(50) {
			s.mirrored()
		}
	},
	moves: append([]move{
		{3, scales("ReplicaSet", func(obj client.Object, n int32) { setReplicas(obj, n) })},
		{1, func(s *scenario) bool {
			return s.edit("Service", "publishes what is not ready, or not any more", func(obj client.Object) {
				spec := &obj.(*corev1.Service).Spec
				spec.PublishNotReadyAddresses = !spec.PublishNotReadyAddresses
			})
		}},
		{2, func(s *scenario) bool {
			return s.edit("Service", "has another port", func(obj client.Object) {
				spec := &obj.(*corev1.Service).Spec
				if len(spec.Ports) > 0 {
					spec.Ports[0].TargetPort = intstr.FromInt32(9090)
				}
			})
		}},
		{1, func(s *scenario) bool {
			return s.edit("Service", "gets a label", func(obj client.Object) {
				obj.SetLabels(map[string]string{"app": "web", "tier": "front"})
			})
		}},
		{1, func(s *scenario) bool {
			return s.edit("Service", "selects others, or the same again", func(obj client.Object) {
				spec := &obj.(*corev1.Service).Spec
				spec.Selector = map[string]string{"app": map[string]string{"web": "debug"}[spec.Selector["app"]]}
				if spec.Selector["app"] == "" {
					spec.Selector["app"] = "web"
				}
			})
		}},
		{1, func(s *scenario) bool {
			key := s.some(s.keys("EndpointSlice", nil))
			if key == "" {
				return false
			}
			touches := len(s.log)
			s.do(key+" is deleted, and its Service touched", func(ctx context.Context, c client.Client, st *state) error {
				slice := st.objects[key].DeepCopyObject().(client.Object)
				if err := c.Delete(ctx, slice); err != nil {
					return err
				}
				// Upstream misses only slices that it has written since it was started.
				service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: slice.GetLabels()[discoveryv1.LabelServiceName]}}
				return client.IgnoreNotFound(changeObject(ctx, c, service, func(service *corev1.Service) {
					metav1.SetMetaDataAnnotation(&service.ObjectMeta, "touched", strconv.Itoa(touches))
				}))
			})
			return true
		}},
		{2, func(s *scenario) bool {
			n := s.IntN(3)
			return s.editNamed("Endpoints/mirrored", fmt.Sprintf("has %d addresses", n), func(obj client.Object) {
				obj.(*corev1.Endpoints).Subsets = subsets(n)
			})
		}},
		{3, beginsAnew},
		{1, deletesIt("Service", metav1.DeletePropagationBackground)},
		{1, func(s *scenario) bool {
			if s.now.objects["Service/mirrored"] == nil {
				return false
			}
			s.do("Service/mirrored is deleted", deletes("Service/mirrored", metav1.DeletePropagationBackground))
			return true
		}},
	}, append(slices.Clone(labelMoves), podMoves...)...),
}

// mirrored adds a Service without a selector, and Endpoints that somebody writes for it.
func (s *scenario) mirrored() {
	s.do("a Service without a selector is created, with Endpoints", creates(
		func() client.Object {
			return &corev1.Service{ObjectMeta: s.meta("mirrored"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "web", Port: 80}}}}
		},
		func() client.Object {
			return &corev1.Endpoints{ObjectMeta: s.meta("mirrored"), Subsets: subsets(2)}
		},
	))
}

func subsets(n int) []corev1.EndpointSubset {
	if n == 0 {
		return nil
	}
	subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Name: "web", Port: 80, Protocol: corev1.ProtocolTCP}}}
	for i := range n {
		subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: fmt.Sprintf("192.0.2.%d", i+1)})
	}
	return []corev1.EndpointSubset{subset}
}
