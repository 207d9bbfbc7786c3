package driver

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Place says which nodes a driver makes volumes for.
type Place interface {
	// Segments are where a volume is of use that is made for a node; ok is false where another driver makes that.
	Segments(node string) (segments map[string]string, ok bool)
	// ID is what the place is called, by which objects are told from those of other places: the name of the node where it is that of one,
	// and no possible name of a node where it is that of several.
	ID() string
	// Default is the node that a volume is made for which may be anywhere; empty means that the driver makes none of those.
	Default() string
	// Holds says that a volume is one that this driver made, rather than one of the name elsewhere.
	Holds(volume *corev1.PersistentVolume) bool
	// Topology is the part of the topology that capacity is asked about; nil means all of it.
	Topology() map[string]string
	// Selector selects the nodes that this capacity is for.
	Selector() *metav1.LabelSelector
}

// Node is a driver's place where it runs on each node for that node.
type Node struct {
	// Name is the name of the node.
	Name string
	// In are the segments of the topology that it is in, as its driver says.
	In map[string]string
}

var _ Place = Node{}

// ID is the name of the node.
func (n Node) ID() string { return n.Name }

// Segments are those of the node.
func (n Node) Segments(node string) (map[string]string, bool) { return n.In, node == n.Name }

// Default is the node.
func (n Node) Default() string { return n.Name }

// Holds says that a volume can be used here. Of a driver without topology that is every volume; of another one a volume that does not say
// where it is may be any node's, and so is nobody's.
func (n Node) Holds(volume *corev1.PersistentVolume) bool {
	return len(n.In) == 0 || slices.ContainsFunc(terms(volume), func(term map[string][]string) bool {
		for key, values := range term {
			if !slices.Contains(values, n.In[key]) {
				return false
			}
		}
		return len(term) > 0
	})
}

// Topology is that of the node.
func (n Node) Topology() map[string]string { return n.In }

// Selector selects the nodes with the labels that the driver has node agents give to theirs.
func (n Node) Selector() *metav1.LabelSelector { return &metav1.LabelSelector{MatchLabels: n.In} }

// terms are the labels and their values of each term of a volume's node affinity.
func terms(volume *corev1.PersistentVolume) []map[string][]string {
	affinity := volume.Spec.NodeAffinity
	if affinity == nil || affinity.Required == nil {
		return nil
	}
	var all []map[string][]string
	for _, term := range affinity.Required.NodeSelectorTerms {
		labels := map[string][]string{}
		for _, each := range term.MatchExpressions {
			if each.Operator == corev1.NodeSelectorOpIn {
				labels[each.Key] = each.Values
			}
		}
		all = append(all, labels)
	}
	return all
}

// Affinity is the node affinity of a volume that is of use in some segments of the topology; nil for one that is everywhere.
func Affinity(segments ...map[string]string) *corev1.VolumeNodeAffinity {
	var selector corev1.NodeSelector
	for _, segment := range segments {
		var term corev1.NodeSelectorTerm
		for _, key := range slices.Sorted(maps.Keys(segment)) {
			term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
				Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{segment[key]},
			})
		}
		if len(term.MatchExpressions) > 0 {
			selector.NodeSelectorTerms = append(selector.NodeSelectorTerms, term)
		}
	}
	if len(selector.NodeSelectorTerms) == 0 {
		return nil
	}
	return &corev1.VolumeNodeAffinity{Required: &selector}
}
