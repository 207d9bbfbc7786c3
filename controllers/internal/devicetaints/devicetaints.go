package devicetaints

import (
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
)

// Selects reports that a rule taints a device. A rule without a selector taints none, and one with an empty selector all.
func Selects(rule *resourcev1.DeviceTaintRule, driver, pool, device string) bool {
	selector := rule.Spec.DeviceSelector
	is := func(wanted *string, name string) bool { return wanted == nil || *wanted == name }
	return selector != nil && is(selector.Driver, driver) && is(selector.Pool, pool) && is(selector.Device, device)
}

// SelectsOf reports that a rule taints a device that a claim has got.
func SelectsOf(rule *resourcev1.DeviceTaintRule, claim *resourcev1.ResourceClaim) bool {
	for _, result := range Results(claim) {
		if Selects(rule, result.Driver, result.Pool, result.Device) {
			return true
		}
	}
	return false
}

// Results are the devices that a claim has got; none of one that is not allocated.
func Results(claim *resourcev1.ResourceClaim) []resourcev1.DeviceRequestAllocationResult {
	if claim.Status.Allocation == nil {
		return nil
	}
	return claim.Status.Allocation.Devices.Results
}

// Evicts reports that a taint makes pods go that do not tolerate it.
func Evicts(taint resourcev1.DeviceTaint) bool {
	return taint.Effect == resourcev1.DeviceTaintEffectNoExecute
}

// Tolerated is for how long a taint that evicts is tolerated: for ever if one toleration without seconds matches, else for as long as
// the shortest says, and not at all if none matches. One that names no effect does not match here, as in kube-controller-manager.
func Tolerated(tolerations []resourcev1.DeviceToleration, taint resourcev1.DeviceTaint) (last time.Duration, forever bool) {
	matches := 0
	for _, toleration := range tolerations {
		if toleration.Effect != resourcev1.DeviceTaintEffectNoExecute || !resourceclaim.ToleratesTaint(toleration, taint) {
			continue
		}
		if toleration.TolerationSeconds == nil {
			return 0, true
		}
		seconds := time.Duration(max(*toleration.TolerationSeconds, 0)) * time.Second
		if matches == 0 || seconds < last {
			last = seconds
		}
		matches++
	}
	return last, false
}

// Uses reports that a pod has the devices of a claim: its spec asks for it, it is the pod's own where it was made for it, and it is
// allocated and reserved for the pod.
func Uses(pod *ocorev1.Pod, claim *resourcev1.ResourceClaim) bool {
	upstream := (*corev1.Pod)(pod)
	if claim.Status.Allocation == nil || !resourceclaim.IsReservedForPod(upstream, claim, false) {
		return false
	}
	for i := range pod.Spec.ResourceClaims {
		name, own, err := resourceclaim.Name(upstream, &pod.Spec.ResourceClaims[i])
		if err == nil && name != nil && *name == claim.Name && (!own || resourceclaim.IsForPod(upstream, claim, false) == nil) {
			return true
		}
	}
	return false
}

// Current are those of some slices of one pool that count: of its newest generation.
func Current(pool []resourcev1.ResourceSlice) []resourcev1.ResourceSlice {
	var newest []resourcev1.ResourceSlice
	for _, slice := range pool {
		switch generation := slice.Spec.Pool.Generation; {
		case len(newest) == 0 || generation > newest[0].Spec.Pool.Generation:
			newest = []resourcev1.ResourceSlice{slice}
		case generation == newest[0].Spec.Pool.Generation:
			newest = append(newest, slice)
		}
	}
	return newest
}
