package simulated

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/storage/driver"
)

// Nodes are simulated nodes as the place of a driver, which makes volumes for all of them. Each is a segment of the topology by its
// hostname: they have no driver that would give them a label of its own.
type Nodes struct {
	// Prefix begins the names of all of them, and of no others.
	Prefix string
	// Label is a label that all of them have, and no others; its value is "true".
	Label string
	// First is the one that a volume is made for which may be anywhere; empty where there are real nodes, whose driver makes those.
	First string
}

var _ driver.Place = Nodes{}

// ID is the same for all of them, and one that no node can have for its name.
func (Nodes) ID() string { return "simulated_nodes" }

// Segments are those of a simulated node.
func (n Nodes) Segments(node string) (map[string]string, bool) {
	return map[string]string{corev1.LabelHostname: node}, strings.HasPrefix(node, n.Prefix)
}

// Default is the first of them.
func (n Nodes) Default() string { return n.First }

// Holds says that a volume is one of a simulated node.
func (n Nodes) Holds(volume *corev1.PersistentVolume) bool {
	affinity := volume.Spec.NodeAffinity
	if affinity == nil || affinity.Required == nil {
		return false
	}
	for _, term := range affinity.Required.NodeSelectorTerms {
		for _, each := range term.MatchExpressions {
			if each.Key == corev1.LabelHostname && len(each.Values) == 1 && strings.HasPrefix(each.Values[0], n.Prefix) {
				return true
			}
		}
	}
	return false
}

// Topology is all of it: each has as much space as the others.
func (Nodes) Topology() map[string]string { return nil }

// Selector selects all of them.
func (n Nodes) Selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{n.Label: "true"}}
}
