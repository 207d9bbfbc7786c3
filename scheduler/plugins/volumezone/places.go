package volumezone

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// topologyLabels name a zone or a region. Those of old have a successor each.
var topologyLabels = []struct{ key, successor string }{
	{corev1.LabelFailureDomainBetaZone, corev1.LabelTopologyZone},
	{corev1.LabelFailureDomainBetaRegion, corev1.LabelTopologyRegion},
	{corev1.LabelTopologyZone, corev1.LabelTopologyZone},
	{corev1.LabelTopologyRegion, corev1.LabelTopologyRegion},
}

// place is one label of a volume: the node has to have one of the values.
type place struct {
	key, successor string
	values         []string
}

// places are those of all volumes of a pod.
type places []place

// Clone returns the same: nothing changes it.
func (p places) Clone() fwk.StateData { return p }

// placesIn reads the labels of a volume. A label with an empty element is no place.
func placesIn(labels map[string]string) places {
	var found places
	for _, label := range topologyLabels {
		value, labelled := labels[label.key]
		if !labelled {
			continue
		}
		values := strings.Split(value, "__")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		slices.Sort(values) // Their order has no meaning.
		if values = slices.Compact(values); values[0] != "" {
			found = append(found, place{label.key, label.successor, values})
		}
	}
	return found
}

// include reports whether a node with the labels is in each of the places, or says nothing of where it is.
func (p places) include(labels map[string]string) bool {
	if !locates(labels) {
		return true
	}
	for _, place := range p {
		value, labelled := labels[place.key]
		if !labelled {
			value, labelled = labels[place.successor]
		}
		if !labelled || !slices.Contains(place.values, value) {
			return false
		}
	}
	return true
}

func locates(labels map[string]string) bool {
	for _, label := range topologyLabels {
		if _, labelled := labels[label.key]; labelled {
			return true
		}
	}
	return false
}

func (p places) equal(others places) bool {
	return slices.EqualFunc(p, others, func(a, b place) bool { return a.key == b.key && slices.Equal(a.values, b.values) })
}
