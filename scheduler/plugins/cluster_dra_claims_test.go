package plugins_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// claim makes a claim that is not allocated.
func (d *devices) claim(w *cluster, name string) *resourcev1.ResourceClaim {
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: types.UID(name + "-uid"), ResourceVersion: "10",
	}}
	for i := range 1 + w.IntN(2) {
		claim.Spec.Devices.Requests = append(claim.Spec.Devices.Requests, w.request(fmt.Sprintf("req-%d", i)))
	}
	if w.chance(15) {
		constraint := resourcev1.DeviceConstraint{MatchAttribute: ptr.To(resourcev1.FullyQualifiedName("example.com/numa"))}
		if w.chance(30) {
			constraint = resourcev1.DeviceConstraint{DistinctAttribute: ptr.To(resourcev1.FullyQualifiedName("example.com/numa"))}
		}
		claim.Spec.Devices.Constraints = []resourcev1.DeviceConstraint{constraint}
	}
	if w.chance(30) {
		claim.Finalizers = []string{pick(w, resourcev1.Finalizer, "example.com/keep")}
	}
	return claim
}

func (w *cluster) request(name string) resourcev1.DeviceRequest {
	request := resourcev1.DeviceRequest{Name: name}
	if w.chance(30) {
		for i := range 1 + w.IntN(3) {
			exact := w.exact()
			request.FirstAvailable = append(request.FirstAvailable, resourcev1.DeviceSubRequest{
				Name: fmt.Sprintf("sub-%d", i), DeviceClassName: exact.DeviceClassName, Selectors: exact.Selectors,
				AllocationMode: exact.AllocationMode, Count: exact.Count, Tolerations: exact.Tolerations, Capacity: exact.Capacity,
			})
		}
		return request
	}
	if w.chance(1) {
		return request // Of a kind that is not known here.
	}
	request.Exactly = w.exact()
	if w.chance(10) {
		request.Exactly.AdminAccess = ptr.To(true)
	}
	return request
}

func (w *cluster) exact() *resourcev1.ExactDeviceRequest {
	exact := &resourcev1.ExactDeviceRequest{
		DeviceClassName: pick(w, "gpu", "gpu", "any", "any", "fast", "nic"),
		AllocationMode:  resourcev1.DeviceAllocationModeExactCount,
		Count:           1,
	}
	switch w.IntN(100) {
	case 0:
		exact.DeviceClassName = ""
	case 1:
		exact.DeviceClassName = "absent"
	}
	if w.chance(20) {
		exact.Count = 2
	} else if w.chance(10) {
		exact.AllocationMode, exact.Count = resourcev1.DeviceAllocationModeAll, 0
	}
	if w.chance(20) {
		expression := pick(w, enoughRoom, enoughRoom, onlyGPU, onlyGPU, fast)
		if w.chance(8) {
			expression = pick(w, missing, notCEL)
		}
		exact.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{Expression: expression}}}
	}
	if w.chance(20) {
		exact.Tolerations = []resourcev1.DeviceToleration{{Key: "example.com/bad", Operator: resourcev1.DeviceTolerationOpExists}}
	}
	if w.chance(15) {
		exact.Capacity = &resourcev1.CapacityRequirements{Requests: map[resourcev1.QualifiedName]resource.Quantity{
			gpuDriver + "/memory": resource.MustParse(pick(w, "2Gi", "6Gi", "32Gi")),
		}}
	}
	return exact
}

// allocate gives a claim some devices and users.
func (d *devices) allocate(w *cluster, claim *resourcev1.ResourceClaim) {
	allocation := &resourcev1.AllocationResult{}
	for _, request := range claim.Spec.Devices.Requests {
		if len(d.all) == 0 {
			break
		}
		result := pick(w, d.all...)
		if result.Request = request.Name; len(request.FirstAvailable) > 0 {
			result.Request += "/" + pick(w, request.FirstAvailable...).Name
		} else if request.Exactly != nil {
			result.AdminAccess = request.Exactly.AdminAccess
		}
		if w.chance(20) {
			result.ShareID = ptr.To(types.UID("share-" + claim.Name + request.Name))
			result.ConsumedCapacity = map[resourcev1.QualifiedName]resource.Quantity{
				resourcev1.QualifiedName(result.Driver + "/memory"): resource.MustParse("4Gi"),
			}
		}
		if w.chance(2) {
			result.SkipNodeOperations = []resourcev1.SkipNodeOperation{"NodePrepareResources"}
		}
		allocation.Devices.Results = append(allocation.Devices.Results, result)
		if len(result.BindingConditions) > 0 && w.chance(80) {
			claim.Status.Devices = append(claim.Status.Devices, w.deviceStatus(result))
		}
	}
	if w.chance(60) {
		allocation.NodeSelector = nodeSelector(w)
	}
	if w.chance(60) {
		allocation.AllocationTimestamp = &metav1.Time{Time: d.now.Add(-pick(w, time.Minute, time.Hour))}
	}
	claim.Status.Allocation = allocation
	claim.Finalizers = []string{resourcev1.Finalizer}
	if w.chance(40) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor, user("somebody"))
	}
}

func (w *cluster) deviceStatus(result resourcev1.DeviceRequestAllocationResult) resourcev1.AllocatedDeviceStatus {
	status := resourcev1.AllocatedDeviceStatus{Driver: result.Driver, Pool: result.Pool, Device: result.Device}
	if w.chance(70) {
		status.Conditions = append(status.Conditions, metav1.Condition{Type: attached, Status: metav1.ConditionTrue})
	}
	if w.chance(30) {
		status.Conditions = append(status.Conditions, metav1.Condition{
			Type: broken, Status: pick(w, metav1.ConditionTrue, metav1.ConditionFalse), Reason: "Unplugged", Message: "somebody tripped",
		})
	}
	return status
}

func user(pod string) resourcev1.ResourceClaimConsumerReference {
	return resourcev1.ResourceClaimConsumerReference{Resource: "pods", Name: pod, UID: types.UID(pod)}
}

// forPod gives the pod claims by name, claims generated from templates, and extended resources.
func (d *devices) forPod(w *cluster) {
	pod := w.pod
	for i := range w.IntN(4) {
		name := fmt.Sprintf("own-%d", i)
		reference := corev1.PodResourceClaim{Name: name}
		claim := d.claim(w, name)
		if w.chance(40) {
			reference.ResourceClaimTemplateName = ptr.To("template")
			claim.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true)}}
			if w.chance(3) {
				claim.OwnerReferences = nil
			}
			status := corev1.PodResourceClaimStatus{Name: name, ResourceClaimName: &claim.Name}
			if w.chance(5) {
				status.ResourceClaimName = nil
			}
			if w.chance(97) {
				pod.Status.ResourceClaimStatuses = append(pod.Status.ResourceClaimStatuses, status)
			}
		} else if w.chance(99) {
			reference.ResourceClaimName = &claim.Name
		}
		pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, reference)
		if w.chance(30) {
			d.allocate(w, claim)
			if w.chance(30) {
				claim.Status.ReservedFor = append(claim.Status.ReservedFor, user(pod.Name))
			}
		}
		late := claim.Status.Allocation == nil && w.chance(3)
		if w.chance(2) {
			claim.DeletionTimestamp = &metav1.Time{Time: d.now}
			claim.Finalizers = []string{resourcev1.Finalizer}
		}
		if late || w.chance(98) {
			d.claims = append(d.claims, claim)
		}
		if late {
			d.decide(w, claim)
		}
	}
	if w.chance(25) {
		d.extended(w)
	}
}

func (d *devices) extended(w *cluster) {
	for _, containers := range [][]corev1.Container{w.pod.Spec.InitContainers, w.pod.Spec.Containers} {
		for i := range containers {
			w.maybe(containers[i].Resources.Requests, "example.com/gpu", "0", "1", "2", "3")
			if w.chance(30) {
				w.maybe(containers[i].Resources.Requests, corev1.ResourceName(resourcev1.ResourceDeviceClassPrefix+"nic"), "1", "2")
			}
		}
	}
	if w.chance(10) { // An earlier attempt has made a claim and failed.
		claim := d.claim(w, "left")
		claim.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"}
		claim.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID, Controller: ptr.To(true)}}
		if w.chance(50) {
			d.allocate(w, claim)
		}
		d.claims = append(d.claims, claim)
	}
}

// decide makes an allocation pending.
func (d *devices) decide(w *cluster, claim *resourcev1.ResourceClaim) {
	decided := claim.DeepCopy()
	d.allocate(w, decided)
	d.pending = append(d.pending, decided)
}
