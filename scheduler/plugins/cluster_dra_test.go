package plugins_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// devices are what a cluster has for dynamic resource allocation.
type devices struct {
	classes []*resourcev1.DeviceClass
	slices  []*resourcev1.ResourceSlice
	claims  []*resourcev1.ResourceClaim
	// pending are claims whose allocation was decided for some other pod and is not written yet.
	pending []*resourcev1.ResourceClaim
	// all are the devices of all slices, as allocations name them.
	all []resourcev1.DeviceRequestAllocationResult
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

// withDevices gives the cluster devices, other people's claims, and claims for the pod that is to be scheduled.
func withDevices(w *cluster) *devices {
	d := &devices{now: time.Now()}
	for _, name := range []string{"gpu", "any", "fast", "nic"} {
		if w.chance(92) {
			d.classes = append(d.classes, w.class(name))
		}
	}
	for _, node := range w.nodes {
		for _, driver := range []string{gpuDriver, nicDriver} {
			if w.chance(75) {
				d.publish(w, driver, node.Name, func(s *resourcev1.ResourceSliceSpec) { s.NodeName = ptr.To(node.Name) })
			}
		}
	}
	if w.chance(30) {
		d.publish(w, nicDriver, "network", func(s *resourcev1.ResourceSliceSpec) {
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

func (w *cluster) class(name string) *resourcev1.DeviceClass {
	class := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	selector := map[string]string{"gpu": onlyGPU, "fast": fast}[name]
	if selector != "" {
		class.Spec.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{Expression: selector}}}
	}
	if name == "gpu" && w.chance(70) {
		class.Spec.ExtendedResourceName = ptr.To("example.com/gpu")
	}
	if w.chance(10) {
		class.Spec.Config = []resourcev1.DeviceClassConfiguration{{DeviceConfiguration: resourcev1.DeviceConfiguration{
			Opaque: &resourcev1.OpaqueDeviceConfiguration{Driver: gpuDriver},
		}}}
	}
	return class
}

func nodeSelector(w *cluster) *corev1.NodeSelector {
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
func (d *devices) publish(w *cluster, driver, pool string, where func(*resourcev1.ResourceSliceSpec)) {
	count := 1 + w.IntN(2)
	for i := range count {
		slice := &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%s-%d", pool, driver, i)}}
		slice.Spec.Driver = driver
		slice.Spec.Pool = resourcev1.ResourcePool{Name: pool, ResourceSliceCount: int64(count), Generation: 1}
		where(&slice.Spec)
		if w.chance(4) {
			slice.Spec.Pool.ResourceSliceCount++ // The driver is not done yet.
		}
		for k := range 1 + w.IntN(3) {
			device := w.device(driver, fmt.Sprintf("%d-%d", i, k))
			slice.Spec.Devices = append(slice.Spec.Devices, device)
			d.all = append(d.all, resourcev1.DeviceRequestAllocationResult{
				Driver: driver, Pool: pool, Device: device.Name,
				BindingConditions: device.BindingConditions, BindingFailureConditions: device.BindingFailureConditions,
			})
		}
		d.slices = append(d.slices, slice)
	}
}

func (w *cluster) device(driver, name string) resourcev1.Device {
	domain := func(name string) resourcev1.QualifiedName { return resourcev1.QualifiedName(driver + "/" + name) }
	device := resourcev1.Device{
		Name: "dev-" + name,
		Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{
			domain("speed"):    {IntValue: ptr.To(w.Int64N(4))},
			"example.com/numa": {IntValue: ptr.To(w.Int64N(2))},
		},
		Capacity: map[resourcev1.QualifiedName]resourcev1.DeviceCapacity{
			domain("memory"): {Value: resource.MustParse(pick(w, "4Gi", "8Gi", "16Gi"))},
		},
	}
	if w.chance(10) {
		device.Taints = []resourcev1.DeviceTaint{{
			Key: "example.com/bad", Value: "yes", TimeAdded: &metav1.Time{Time: time.Unix(1, 0)},
			Effect: pick(w, resourcev1.DeviceTaintEffectNoSchedule, resourcev1.DeviceTaintEffectNoExecute, resourcev1.DeviceTaintEffectNone),
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
