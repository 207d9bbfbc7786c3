package rights_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/internal/await"
)

// devices has pods with claims that nobody schedules: one ends before it gets a node, one is put on a node, and loses its device.
func (s *session) devices(t *testing.T) {
	spec := resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{{
		Name: "gpu", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "gpus"},
	}}}}
	s.create(t, &resourcev1.ResourceClaimTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gpus"}, Spec: resourcev1.ResourceClaimTemplateSpec{Spec: spec},
	})
	s.create(t, gated("hopeless", corev1.PodResourceClaim{Name: "gpu", ResourceClaimTemplateName: new("missing")}))
	s.recorded(t, "FailedResourceClaimCreation")
	s.endsEarly(t)

	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shared", Finalizers: []string{resourcev1.Finalizer}}, Spec: spec}
	user := gated("bound", corev1.PodResourceClaim{Name: "gpu", ResourceClaimName: new("shared")})
	user.Spec.SchedulingGates, user.Spec.NodeName = nil, "far"
	s.create(t, claim, user)
	s.changeStatus(t, claim, func() {
		claim.Status.Allocation = &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
			Results: []resourcev1.DeviceRequestAllocationResult{{Request: "gpu", Driver: "devices.example.org", Pool: "a", Device: "d0"}},
		}}
	})
	s.until(t, claim, "to be reserved", func() bool { return len(claim.Status.ReservedFor) == 1 })
	rule := &resourcev1.DeviceTaintRule{ObjectMeta: metav1.ObjectMeta{Name: "broken"}, Spec: resourcev1.DeviceTaintRuleSpec{
		DeviceSelector: &resourcev1.DeviceTaintSelector{Pool: new("a")},
		Taint:          resourcev1.DeviceTaint{Key: "broken", Effect: resourcev1.DeviceTaintEffectNoExecute},
	}}
	s.create(t, rule)
	s.recorded(t, "DeviceTaintManagerEviction")
	s.until(t, rule, "to tell how far it is", func() bool { return len(rule.Status.Conditions) == 1 })
	s.remove(t, user, client.GracePeriodSeconds(0))
	s.until(t, claim, "to be free", func() bool { return claim.Status.Allocation == nil && len(claim.Finalizers) == 0 })
}

// endsEarly has a pod whose claim goes while the pod is still there.
func (s *session) endsEarly(t *testing.T) {
	quitter := gated("quitter", corev1.PodResourceClaim{Name: "gpu", ResourceClaimTemplateName: new("gpus")})
	s.create(t, quitter)
	s.until(t, quitter, "to have its claim", func() bool { return len(quitter.Status.ResourceClaimStatuses) == 1 })
	s.changeStatus(t, quitter, func() { quitter.Status.Phase = corev1.PodFailed })
	s.gone(t, &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: *quitter.Status.ResourceClaimStatuses[0].ResourceClaimName}})
}

// gated is a pod that nobody schedules, with a claim.
func gated(name string, claim corev1.PodResourceClaim) *corev1.Pod {
	gated := pod("default", name)
	gated.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.org/never"}}
	gated.Spec.ResourceClaims = []corev1.PodResourceClaim{claim}
	return gated
}

// ranges makes a group of pods and a range of Services, and takes them away.
func (s *session) ranges(t *testing.T) {
	group := &schedulingv1beta1.PodGroup{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gang"},
		Spec: schedulingv1beta1.PodGroupSpec{
			SchedulingPolicy: schedulingv1beta1.PodGroupSchedulingPolicy{Basic: &schedulingv1beta1.BasicSchedulingPolicy{}},
		},
	}
	cidr := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "extra"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.99.0.0/24"}}}
	s.create(t, group, cidr)
	s.until(t, cidr, "to be ready", func() bool { return len(cidr.Status.Conditions) == 1 && len(cidr.Finalizers) == 1 })
	s.remove(t, group)
	s.remove(t, cidr)
	s.gone(t, group)
	s.gone(t, cidr)
}

// until waits until an object is as it shall be.
func (s *session) until(t *testing.T, obj client.Object, what string, so func() bool) {
	t.Helper()
	await.Until(t, obj.GetName()+" "+what, func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(obj), obj)
		return fmt.Sprint(obj, err), err == nil && so()
	})
}

// changeStatus changes the status of an object.
func (s *session) changeStatus(t *testing.T, obj client.Object, change func()) {
	t.Helper()
	base := obj.DeepCopyObject().(client.Object)
	change()
	if err := s.Status().Patch(t.Context(), obj, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}
