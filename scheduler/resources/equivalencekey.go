package resources

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// AppendEquivalenceKey appends everything that a pending pod's requests are worked out from, which costs much less than
// working them out: pods with equal bytes have equal requests by every way of counting. It reports false for a pod that has
// something in its status already, such as a resize under way.
func AppendEquivalenceKey(to []byte, pod *corev1.Pod) ([]byte, bool) {
	if len(pod.Status.ContainerStatuses)+len(pod.Status.InitContainerStatuses) > 0 || pod.Status.Resources != nil ||
		len(pod.Status.AllocatedResources) > 0 {
		return to, false
	}
	to = appendNumber(to, int64(len(pod.Spec.Containers)))
	for i := range pod.Spec.Containers {
		to = appendList(to, pod.Spec.Containers[i].Resources.Requests)
	}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		policy := "" // Sidecars count differently.
		if container.RestartPolicy != nil {
			policy = string(*container.RestartPolicy)
		}
		to = appendList(appendText(to, policy), container.Resources.Requests)
	}
	to = appendList(append(to, 'o'), pod.Spec.Overhead)
	if pod.Spec.Resources != nil {
		to = appendList(append(to, 'p'), pod.Spec.Resources.Requests)
	}
	return to, true
}

func appendList(to []byte, list corev1.ResourceList) []byte {
	to = appendNumber(to, int64(len(list)))
	left := len(list)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if quantity, found := list[name]; found {
			to = appendQuantity(append(to, name[0]), quantity)
			left--
		}
	}
	if left == 0 {
		return to
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		to = appendQuantity(appendText(to, string(name)), list[name])
	}
	return to
}

// appendQuantity appends the value in whole units, rounded up, and as a floating point number, which together tell apart
// all quantities that differ by a billionth or more.
func appendQuantity(to []byte, quantity resource.Quantity) []byte {
	to = appendNumber(to, quantity.Value())
	return binary.LittleEndian.AppendUint64(to, math.Float64bits(quantity.AsApproximateFloat64()))
}

func appendNumber(to []byte, number int64) []byte { return binary.AppendVarint(to, number) }

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}
