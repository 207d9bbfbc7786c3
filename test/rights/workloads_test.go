package rights_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/internal/await"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused, and which of
// their rights they did not use.
// workloads rolls a Deployment out behind a Service, scales it, gives it a new version, and one that fits nowhere.
func (s *session) workloads(t *testing.T) {
	s.create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "settings"}, Data: map[string]string{"a": "b"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "password"}, Data: map[string][]byte{"a": []byte("b")}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
		})
	web := deployment("web", 3)
	s.create(t, web)
	s.available(t, web)
	await.Until(t, "endpoints of the Service", func() (string, bool) {
		var slices discoveryv1.EndpointSliceList
		err := s.List(t.Context(), &slices, client.InNamespace("default"), client.MatchingLabels{discoveryv1.LabelServiceName: "web"})
		return fmt.Sprint(slices.Items, err), len(slices.Items) == 1 && len(slices.Items[0].Endpoints) == 3
	})
	for _, change := range []func(){
		func() { web.Spec.Replicas = new(int32(5)) },
		func() { web.Spec.Template.Spec.Containers[0].Image = "web:2" },
		func() { web.Spec.Replicas = new(int32(1)) },
	} {
		s.change(t, web, change)
		s.available(t, web)
	}
	s.historyOf(t, web)
	s.strangers(t)
	s.mirrored(t)
	lost := pod("default", "lost")
	lost.Spec.NodeSelector = map[string]string{"example.org/there": "no"}
	s.create(t, lost)
	for _, reason := range []string{"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "FailedScheduling", "Started"} {
		s.recorded(t, reason)
	}
}

// recorded waits for an event with a reason.
func (s *session) recorded(t *testing.T, reason string) {
	t.Helper()
	await.Until(t, "an event "+reason, func() (string, bool) {
		var events eventsv1.EventList
		err := s.List(t.Context(), &events)
		var seen []string
		for _, event := range events.Items {
			seen = append(seen, event.Reason)
		}
		return fmt.Sprint(seen, err), slices.Contains(seen, reason)
	})
}

// historyOf goes back to the first revision of a Deployment by the old way, and then has it keep none.
func (s *session) historyOf(t *testing.T, web *appsv1.Deployment) {
	s.change(t, web, func() { web.Annotations[appsv1.DeprecatedRollbackTo] = "1" })
	await.Until(t, "the first revision", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(web), web)
		return fmt.Sprint(web.Annotations, err), web.Annotations[appsv1.DeprecatedRollbackTo] == "" && web.Spec.Template.Spec.Containers[0].Image == "web:1"
	})
	s.available(t, web)
	s.change(t, web, func() { web.Spec.RevisionHistoryLimit = new(int32) })
	await.Until(t, "the end of all other revisions", func() (string, bool) {
		var sets appsv1.ReplicaSetList
		err := s.List(t.Context(), &sets, client.InNamespace("default"), client.MatchingLabels{"app": "web"})
		return fmt.Sprint(len(sets.Items), err), len(sets.Items) == 1
	})
}

// strangers has a pod that a ReplicaSet adopts, and a slice of a family that its Service does not have.
func (s *session) strangers(t *testing.T) {
	service := &corev1.Service{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "web"}, service); err != nil {
		t.Fatal(err)
	}
	stray := pod("default", "stray")
	stray.Labels = map[string]string{"app": "stray"}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "surplus",
			Labels:          map[string]string{discoveryv1.LabelServiceName: service.Name, discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(service, corev1.SchemeGroupVersion.WithKind("Service"))},
		},
		AddressType: discoveryv1.AddressTypeIPv6,
	}
	s.create(t, stray, slice, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "stray"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: stray.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: stray.Labels}, Spec: stray.Spec},
		},
	})
	await.Until(t, "the pod to be adopted", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(stray), stray)
		return fmt.Sprint(stray.OwnerReferences, err), metav1.GetControllerOf(stray) != nil
	})
	s.gone(t, slice)
}
