package replicas

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
)

// Expendable returns the n pods that are missed the least, the first to go first. The siblings are all pods that serve
// the same purpose, among them usually pods itself: of two equal pods the one goes that shares its node with more
// of the active ones. pods is not changed.
//
// The order is: not yet on a node; pending, then unknown, then running; not ready; of lower
// controller.kubernetes.io/pod-deletion-cost; on a node with more siblings; ready for a shorter time; with more
// restarts of a container, then of a sidecar; younger. Times count by their order of magnitude, so that it is not always
// the newest that goes, and UIDs decide between equals.
func Expendable(pods, siblings []*ocorev1.Pod, n int, now time.Time) []*ocorev1.Pod {
	perNode := map[string]int{}
	for _, sibling := range siblings {
		if Active(sibling) {
			perNode[sibling.Spec.NodeName]++
		}
	}
	ranking := ranking{perNode: perNode, now: now}
	ranked := slices.Clone(pods)
	slices.SortStableFunc(ranked, ranking.compare)
	return ranked[:min(n, len(ranked))]
}

type ranking struct {
	perNode map[string]int
	now     time.Time
}

// compare is negative where a goes before b.
func (r ranking) compare(a, b *ocorev1.Pod) int {
	sinceA, readyA := Readiness(a)
	sinceB, readyB := Readiness(b)
	if order := cmp.Or(
		falseFirst(a.Spec.NodeName != "", b.Spec.NodeName != ""),
		cmp.Compare(phaseRank[a.Status.Phase], phaseRank[b.Status.Phase]),
		falseFirst(readyA, readyB),
		cmp.Compare(deletionCost(a), deletionCost(b)),
		cmp.Compare(r.perNode[b.Spec.NodeName], r.perNode[a.Spec.NodeName]),
	); order != 0 {
		return order
	}
	if readyA && !sinceA.Equal(sinceB) {
		return cmp.Or(r.youngerFirst(sinceA, sinceB), cmp.Compare(a.UID, b.UID))
	}
	containersA, sidecarsA := restarts(a)
	containersB, sidecarsB := restarts(b)
	if order := cmp.Or(cmp.Compare(containersB, containersA), cmp.Compare(sidecarsB, sidecarsA)); order != 0 {
		return order
	}
	if createdA, createdB := a.CreationTimestamp.Time, b.CreationTimestamp.Time; !createdA.Equal(createdB) {
		return cmp.Or(r.youngerFirst(createdA, createdB), cmp.Compare(a.UID, b.UID))
	}
	return 0
}

var phaseRank = map[corev1.PodPhase]int{corev1.PodPending: 0, corev1.PodUnknown: 1, corev1.PodRunning: 2}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// youngerFirst compares ages by their order of magnitude; an unknown time is younger than any.
func (r ranking) youngerFirst(a, b time.Time) int {
	if a.IsZero() || b.IsZero() {
		return falseFirst(!a.IsZero(), !b.IsZero())
	}
	return cmp.Compare(magnitude(r.now.Sub(a)), magnitude(r.now.Sub(b)))
}

// magnitude is the whole part of the binary logarithm of an age, and -1 for none.
func magnitude(age time.Duration) int {
	if age <= 0 {
		return -1
	}
	return int(math.Log2(float64(age)))
}

// deletionCost is what the pod's annotation says that deleting it costs; 0 without one, or with one that the API would
// refuse: leading zeros and plus signs are no numbers.
func deletionCost(pod *ocorev1.Pod) int64 {
	value := pod.Annotations[corev1.PodDeletionCost]
	digits := strings.TrimPrefix(value, "-")
	if strings.HasPrefix(value, "+") || value == digits && len(digits) > 1 && digits[0] == '0' {
		return 0
	}
	cost, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return 0
	}
	return cost
}

// restarts are the most restarts of any one container, and of any one sidecar.
func restarts(pod *ocorev1.Pod) (containers, sidecars int32) {
	for _, status := range pod.Status.ContainerStatuses {
		containers = max(containers, status.RestartCount)
	}
	for _, status := range pod.Status.InitContainerStatuses {
		if isSidecar(pod, status.Name) {
			sidecars = max(sidecars, status.RestartCount)
		}
	}
	return containers, sidecars
}

func isSidecar(pod *ocorev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
		return c.Name == name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	})
}
