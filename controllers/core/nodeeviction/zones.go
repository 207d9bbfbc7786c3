package nodeeviction

import (
	"cmp"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/topology"
)

// The defaults of kube-controller-manager's flags of these names, rates as the time between two nodes.
const (
	nodeEvictionInterval          = 10 * time.Second
	secondaryNodeEvictionInterval = 100 * time.Second
	unhealthyZoneThreshold        = 0.55
	largeClusterSizeThreshold     = 50
)

const (
	// fewUnready is how many nodes that are not ready are no disruption of a zone in which others are.
	fewUnready = 2
	// excludeDisruptionLabel is on nodes that say nothing about how their zone is.
	excludeDisruptionLabel = "node.kubernetes.io/exclude-disruption"
)

// state is how a zone is.
type state string

const (
	normal            state = "Normal"
	partialDisruption state = "PartialDisruption"
	fullDisruption    state = "FullDisruption"
)

// zone is how the nodes of a zone are.
type zone struct {
	name string
	// total and unready are how many nodes count, and how many of them are not ready.
	total, unready int
	// next is the node that is to get the taint next; nil means none.
	next *ocorev1.Node
}

// zonesOf are the zones of some nodes, in the order of their first nodes.
func zonesOf(nodes []ocorev1.Node) []*zone {
	var zones []*zone
	byName := map[string]*zone{}
	for i := range nodes {
		name := zoneOf(&nodes[i])
		if byName[name] == nil {
			byName[name] = &zone{name: name}
			zones = append(zones, byName[name])
		}
		byName[name].add(&nodes[i])
	}
	return zones
}

func (z *zone) add(node *ocorev1.Node) {
	if !excluded(node) {
		z.total++
		if !nodestatus.Ready(node) {
			z.unready++
		}
	}
	waits := node.DeletionTimestamp == nil && taintOf(node) == nil && taintFor(node) != ""
	if waits && (z.next == nil || unreadyForLonger(node, z.next)) {
		z.next = node
	}
}

func (z *zone) state() state {
	switch {
	case z.total > 0 && z.unready == z.total:
		return fullDisruption
	case z.unready > fewUnready && float64(z.unready)/float64(z.total) >= unhealthyZoneThreshold:
		return partialDisruption
	default:
		return normal
	}
}

// interval is the time between two nodes of the zone that get the taint; 0 means that none does.
func (z *zone) interval() time.Duration {
	switch {
	case z.state() != partialDisruption:
		return nodeEvictionInterval
	case z.total > largeClusterSizeThreshold:
		return secondaryNodeEvictionInterval
	default:
		return 0
	}
}

// allDisrupted reports that all zones in which nodes count are fully disrupted.
func allDisrupted(zones []*zone) bool {
	for _, z := range zones {
		if z.total > 0 && z.state() != fullDisruption {
			return false
		}
	}
	return true
}

// unreadyForLonger reports that a has not been ready for longer than b.
func unreadyForLonger(a, b *ocorev1.Node) bool {
	x, y := nodestatus.Readiness(a).LastTransitionTime, nodestatus.Readiness(b).LastTransitionTime
	return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(a.Name, b.Name)) < 0
}

// excluded reports that a node says nothing about how its zone is.
func excluded(node *ocorev1.Node) bool {
	_, is := node.Labels[excludeDisruptionLabel]
	return is
}

func zoneOf(node *ocorev1.Node) string { return topology.GetZoneKey((*corev1.Node)(node)) }
