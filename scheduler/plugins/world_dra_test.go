package plugins_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// devices are what a world has for dynamic resource allocation.
type devices struct {
	classes []*resourceapi.DeviceClass
	slices  []*resourceapi.ResourceSlice
	claims  []*resourceapi.ResourceClaim
	// pending are claims whose allocation was decided for some other pod and is not written yet.
	pending []*resourceapi.ResourceClaim
	// all are the devices of all slices, as allocations name them.
	all []resourceapi.DeviceRequestAllocationResult
	now time.Time
}

const (
	gpuDriver = "gpu.example.com"
	nicDriver = "nic.example.com"
	attached  = "example.com/attached"
	broken    = "example.com/broken"
)

// The expressions are few, so that compiling them does not take most of the time.
const (
	onlyGPU    = `device.driver == "gpu.example.com"`
	fast       = `device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].speed > 1`
	missing    = `device.attributes["gpu.example.com"].missing == "a"`
	notCEL     = `device.`
	enoughRoom = `device.driver == "gpu.example.com" && device.capacity["gpu.example.com"].memory.compareTo(quantity("8Gi")) >= 0`
)

// withDevices gives the world devices, other people's claims, and claims for the pod that is to be scheduled.
func withDevices(w *world) *devices {
	d := &devices{now: time.Now()}
	for _, name := range []string{"gpu", "any", "fast", "nic"} {
		if w.chance(92) {
			d.classes = append(d.classes, w.class(name))
		}
	}
	for _, node := range w.nodes {
		for _, driver := range []string{gpuDriver, nicDriver} {
			if w.chance(75) {
				d.publish(w, driver, node.Name, func(s *resourceapi.ResourceSliceSpec) { s.NodeName = ptr.To(node.Name) })
			}
		}
	}
	if w.chance(30) {
		d.publish(w, nicDriver, "network", func(s *resourceapi.ResourceSliceSpec) {
			if s.AllNodes = ptr.To(true); w.chance(50) {
				s.AllNodes, s.NodeSelector = nil, nodeSelector(w)
			}
		})
	}
	for i := range w.IntN(4) {
		claim := d.claim(w, fmt.Sprintf("other-%d", i))
		if w.chance(30) {
			d.decide(w, claim)
		} else {
			d.allocate(w, claim)
		}
		d.claims = append(d.claims, claim)
	}
	d.forPod(w)
	return d
}

// decide makes an allocation pending.
func (d *devices) decide(w *world, claim *resourceapi.ResourceClaim) {
	decided := claim.DeepCopy()
	d.allocate(w, decided)
	d.pending = append(d.pending, decided)
}

func (w *world) class(name string) *resourceapi.DeviceClass {
	class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	selector := map[string]string{"gpu": onlyGPU, "fast": fast}[name]
	if selector != "" {
		class.Spec.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: selector}}}
	}
	if name == "gpu" && w.chance(70) {
		class.Spec.ExtendedResourceName = ptr.To("example.com/gpu")
	}
	if w.chance(10) {
		class.Spec.Config = []resourceapi.DeviceClassConfiguration{{DeviceConfiguration: resourceapi.DeviceConfiguration{
			Opaque: &resourceapi.OpaqueDeviceConfiguration{Driver: gpuDriver},
		}}}
	}
	return class
}

func nodeSelector(w *world) *corev1.NodeSelector {
	if w.chance(40) {
		return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{
				Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{pick(w, w.nodes...).Name},
			}},
		}}}
	}
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{
			Key: pick(w, "zone", "disk"), Operator: corev1.NodeSelectorOpIn, Values: []string{"a", "b", w.value()},
		}},
	}}}
}

// publish adds a pool of one or two slices.
func (d *devices) publish(w *world, driver, pool string, where func(*resourceapi.ResourceSliceSpec)) {
	count := 1 + w.IntN(2)
	for i := range count {
		slice := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%s-%d", pool, driver, i)}}
		slice.Spec.Driver = driver
		slice.Spec.Pool = resourceapi.ResourcePool{Name: pool, ResourceSliceCount: int64(count), Generation: 1}
		where(&slice.Spec)
		if w.chance(4) {
			slice.Spec.Pool.ResourceSliceCount++ // The driver is not done yet.
		}
		for k := range 1 + w.IntN(3) {
			device := w.device(driver, fmt.Sprintf("%d-%d", i, k))
			slice.Spec.Devices = append(slice.Spec.Devices, device)
			d.all = append(d.all, resourceapi.DeviceRequestAllocationResult{
				Driver: driver, Pool: pool, Device: device.Name,
				BindingConditions: device.BindingConditions, BindingFailureConditions: device.BindingFailureConditions,
			})
		}
		d.slices = append(d.slices, slice)
	}
}

func (w *world) device(driver, name string) resourceapi.Device {
	domain := func(name string) resourceapi.QualifiedName { return resourceapi.QualifiedName(driver + "/" + name) }
	device := resourceapi.Device{
		Name: "dev-" + name,
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			domain("speed"):    {IntValue: ptr.To(w.Int64N(4))},
			"example.com/numa": {IntValue: ptr.To(w.Int64N(2))},
		},
		Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{
			domain("memory"): {Value: resource.MustParse(pick(w, "4Gi", "8Gi", "16Gi"))},
		},
	}
	if w.chance(10) {
		device.Taints = []resourceapi.DeviceTaint{{
			Key: "example.com/bad", Value: "yes", TimeAdded: &metav1.Time{Time: time.Unix(1, 0)},
			Effect: pick(w, resourceapi.DeviceTaintEffectNoSchedule, resourceapi.DeviceTaintEffectNoExecute, resourceapi.DeviceTaintEffectNone),
		}}
	}
	if w.chance(12) {
		device.BindingConditions, device.BindingFailureConditions = []string{attached}, []string{broken}
		device.BindsToNode = ptr.To(w.chance(50))
	}
	if w.chance(20) {
		device.AllowMultipleAllocations = ptr.To(true)
	}
	return device
}

// claim makes a claim that is not allocated.
func (d *devices) claim(w *world, name string) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: types.UID(name + "-uid"), ResourceVersion: "10",
	}}
	for i := range 1 + w.IntN(2) {
		claim.Spec.Devices.Requests = append(claim.Spec.Devices.Requests, w.request(fmt.Sprintf("req-%d", i)))
	}
	if w.chance(15) {
		constraint := resourceapi.DeviceConstraint{MatchAttribute: ptr.To(resourceapi.FullyQualifiedName("example.com/numa"))}
		if w.chance(30) {
			constraint = resourceapi.DeviceConstraint{DistinctAttribute: ptr.To(resourceapi.FullyQualifiedName("example.com/numa"))}
		}
		claim.Spec.Devices.Constraints = []resourceapi.DeviceConstraint{constraint}
	}
	if w.chance(30) {
		claim.Finalizers = []string{pick(w, resourceapi.Finalizer, "example.com/keep")}
	}
	return claim
}

func (w *world) request(name string) resourceapi.DeviceRequest {
	request := resourceapi.DeviceRequest{Name: name}
	if w.chance(30) {
		for i := range 1 + w.IntN(3) {
			exact := w.exact()
			request.FirstAvailable = append(request.FirstAvailable, resourceapi.DeviceSubRequest{
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

func (w *world) exact() *resourceapi.ExactDeviceRequest {
	exact := &resourceapi.ExactDeviceRequest{
		DeviceClassName: pick(w, "gpu", "gpu", "any", "any", "fast", "nic"),
		AllocationMode:  resourceapi.DeviceAllocationModeExactCount,
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
		exact.AllocationMode, exact.Count = resourceapi.DeviceAllocationModeAll, 0
	}
	if w.chance(20) {
		expression := pick(w, enoughRoom, enoughRoom, onlyGPU, onlyGPU, fast)
		if w.chance(8) {
			expression = pick(w, missing, notCEL)
		}
		exact.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}}
	}
	if w.chance(20) {
		exact.Tolerations = []resourceapi.DeviceToleration{{Key: "example.com/bad", Operator: resourceapi.DeviceTolerationOpExists}}
	}
	if w.chance(15) {
		exact.Capacity = &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
			gpuDriver + "/memory": resource.MustParse(pick(w, "2Gi", "6Gi", "32Gi")),
		}}
	}
	return exact
}

// allocate gives a claim some devices and users.
func (d *devices) allocate(w *world, claim *resourceapi.ResourceClaim) {
	allocation := &resourceapi.AllocationResult{}
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
			result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{
				resourceapi.QualifiedName(result.Driver + "/memory"): resource.MustParse("4Gi"),
			}
		}
		if w.chance(2) {
			result.SkipNodeOperations = []resourceapi.SkipNodeOperation{"NodePrepareResources"}
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
	claim.Finalizers = []string{resourceapi.Finalizer}
	if w.chance(40) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor, user("somebody"))
	}
}

func (w *world) deviceStatus(result resourceapi.DeviceRequestAllocationResult) resourceapi.AllocatedDeviceStatus {
	status := resourceapi.AllocatedDeviceStatus{Driver: result.Driver, Pool: result.Pool, Device: result.Device}
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

func user(pod string) resourceapi.ResourceClaimConsumerReference {
	return resourceapi.ResourceClaimConsumerReference{Resource: "pods", Name: pod, UID: types.UID(pod)}
}

// forPod gives the pod claims by name, claims generated from templates, and extended resources.
func (d *devices) forPod(w *world) {
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
			claim.Finalizers = []string{resourceapi.Finalizer}
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

func (d *devices) extended(w *world) {
	for _, containers := range [][]corev1.Container{w.pod.Spec.InitContainers, w.pod.Spec.Containers} {
		for i := range containers {
			w.maybe(containers[i].Resources.Requests, "example.com/gpu", "0", "1", "2", "3")
			if w.chance(30) {
				w.maybe(containers[i].Resources.Requests, corev1.ResourceName(resourceapi.ResourceDeviceClassPrefix+"nic"), "1", "2")
			}
		}
	}
	if w.chance(10) { // An earlier attempt has made a claim and failed.
		claim := d.claim(w, "left")
		claim.Annotations = map[string]string{resourceapi.ExtendedResourceClaimAnnotation: "true"}
		claim.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID, Controller: ptr.To(true)}}
		if w.chance(50) {
			d.allocate(w, claim)
		}
		d.claims = append(d.claims, claim)
	}
}
