package gen

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// gpus asks for one device of the class gpus.
func gpus() resourcev1.ResourceClaimSpec {
	return resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{{
		Name: "gpu",
		Exactly: &resourcev1.ExactDeviceRequest{
			DeviceClassName: "gpus", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1,
		},
	}}}}
}

// ResourceClaim builds a claim of one device that nobody has allocated. Its UID is its name.
func ResourceClaim(name string, changes ...func(*resourcev1.ResourceClaim)) *resourcev1.ResourceClaim {
	claim := &resourcev1.ResourceClaim{ObjectMeta: meta(name), Spec: gpus()}
	for _, change := range changes {
		change(claim)
	}
	return claim
}

// ResourceClaimTemplate builds a template of such claims. Its UID is its name.
func ResourceClaimTemplate(name string) *resourcev1.ResourceClaimTemplate {
	return &resourcev1.ResourceClaimTemplate{ObjectMeta: meta(name), Spec: resourcev1.ResourceClaimTemplateSpec{Spec: gpus()}}
}

// Allocated gives a claim devices of the driver devices.example.com, from the pool a, and what protects what is allocated.
func Allocated(devices ...string) func(*resourcev1.ResourceClaim) {
	return func(claim *resourcev1.ResourceClaim) {
		claim.Finalizers = append(claim.Finalizers, resourcev1.Finalizer)
		claim.Status.Allocation = &resourcev1.AllocationResult{}
		for _, device := range devices {
			claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, resourcev1.DeviceRequestAllocationResult{
				Request: "gpu", Driver: "devices.example.com", Pool: "a", Device: device,
			})
		}
	}
}

// ReservedFor has pods use a claim.
func ReservedFor(pods ...client.Object) func(*resourcev1.ResourceClaim) {
	return func(claim *resourcev1.ResourceClaim) {
		for _, pod := range pods {
			claim.Status.ReservedFor = append(claim.Status.ReservedFor, resourcev1.ResourceClaimConsumerReference{
				Resource: "pods", Name: pod.GetName(), UID: pod.GetUID(),
			})
		}
	}
}

// ClaimedBy makes a claim one that was made from a template for one of a pod's.
func ClaimedBy(pod *ocorev1.Pod, name string) func(*resourcev1.ResourceClaim) {
	return func(claim *resourcev1.ResourceClaim) {
		yes := true
		claim.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: &yes}}
		claim.Annotations = map[string]string{resourcev1.PodResourceClaimAnnotation: name}
	}
}

// Uses has a pod use a ResourceClaim, which it calls by the claim's own name.
func Uses(claim string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, corev1.PodResourceClaim{Name: claim, ResourceClaimName: &claim})
	}
}

// UsesOneOf has a pod use a ResourceClaim that is made from a template.
func UsesOneOf(template, name string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, corev1.PodResourceClaim{Name: name, ResourceClaimTemplateName: &template})
	}
}

// Told has a pod's status tell which claim was made for one of its own.
func Told(name, claim string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Status.ResourceClaimStatuses = append(pod.Status.ResourceClaimStatuses, corev1.PodResourceClaimStatus{Name: name, ResourceClaimName: &claim})
	}
}

// ResourceSlice builds a slice of the driver devices.example.com that publishes one device of the pool a, in a generation of the pool.
func ResourceSlice(name string, generation int64, device string, taints ...resourcev1.DeviceTaint) *resourcev1.ResourceSlice {
	slice := &resourcev1.ResourceSlice{ObjectMeta: meta(name), Spec: resourcev1.ResourceSliceSpec{
		Driver:  "devices.example.com",
		Pool:    resourcev1.ResourcePool{Name: "a", Generation: generation, ResourceSliceCount: 1},
		Devices: []resourcev1.Device{{Name: device, Taints: taints}},
	}}
	all := true
	slice.Namespace, slice.Spec.AllNodes = "", &all
	return slice
}

// DeviceTaintRule builds a rule for the devices of a driver, of a pool and with a name; an empty one means any.
func DeviceTaintRule(name string, taint resourcev1.DeviceTaint, driver, pool, device string, changes ...func(*resourcev1.DeviceTaintRule)) *resourcev1.DeviceTaintRule {
	named := func(name string) *string {
		if name == "" {
			return nil
		}
		return &name
	}
	rule := &resourcev1.DeviceTaintRule{ObjectMeta: meta(name), Spec: resourcev1.DeviceTaintRuleSpec{
		DeviceSelector: &resourcev1.DeviceTaintSelector{Driver: named(driver), Pool: named(pool), Device: named(device)},
		Taint:          taint,
	}}
	rule.Namespace = ""
	for _, change := range changes {
		change(rule)
	}
	return rule
}
