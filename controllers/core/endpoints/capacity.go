package endpoints

import (
	"github.com/orrery-dev/orrery/controllers/internal/subsets"
	corev1 "k8s.io/api/core/v1"
)

// capacity is how many addresses Endpoints may have.
const capacity = 1000

// truncate leaves out as many addresses as there is no room for: those that are not ready first. What room there is for the
// others is shared out in proportion, rounded up, so that the last subsets may get less.
func truncate(all []corev1.EndpointSubset) []corev1.EndpointSubset {
	ready, notReady := count(all)
	switch {
	case ready+notReady <= capacity:
		return all
	case ready > capacity:
		return shared(all, capacity, 0)
	default:
		return shared(all, ready, capacity-ready)
	}
}

// shared are subsets with that many addresses in all; one without any is not among them.
func shared(all []corev1.EndpointSubset, ready, notReady int) []corev1.EndpointSubset {
	totalReady, totalNotReady := count(all)
	leftReady, leftNotReady := ready, notReady
	fewer := make([]corev1.EndpointSubset, len(all))
	for i, s := range all {
		s.Addresses = first(s.Addresses, share(len(s.Addresses), totalReady, ready), &leftReady)
		s.NotReadyAddresses = first(s.NotReadyAddresses, share(len(s.NotReadyAddresses), totalNotReady, notReady), &leftNotReady)
		fewer[i] = s
	}
	return subsets.Pack(fewer)
}

// share is a part of the whole, of so much room, rounded up.
func share(part, whole, room int) int {
	if whole == 0 {
		return 0
	}
	return (part*room + whole - 1) / whole
}

// first are the first n addresses, or as many as are left, which then are fewer.
func first(addresses []corev1.EndpointAddress, n int, left *int) []corev1.EndpointAddress {
	n = min(n, *left, len(addresses))
	*left -= n
	return addresses[:n:n]
}

// count is how many addresses are ready, and how many are not.
func count(all []corev1.EndpointSubset) (ready, notReady int) {
	for _, s := range all {
		ready += len(s.Addresses)
		notReady += len(s.NotReadyAddresses)
	}
	return ready, notReady
}

func countOf(all []corev1.EndpointSubset) int {
	ready, notReady := count(all)
	return ready + notReady
}
