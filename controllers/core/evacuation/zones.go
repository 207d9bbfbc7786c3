package evacuation

import (
	"cmp"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/nodestatus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/node/topology"
)

const (
	// pace is the time between two nodes of a zone that are emptied, and slow is that in a large zone in trouble.
	pace = 10 * time.Second
	slow = 100 * time.Second
	// large is how many nodes a zone has at most that is left alone in trouble.
	large = 50
	// troubled is the part of a zone's nodes from which on it is in trouble, if they are more than few.
	troubled = 0.55
	few      = 2
	// excluded is the label of nodes that say nothing about their zone.
	excluded = "node.kubernetes.io/exclude-disruption"
)

// zone is how the nodes of a zone are.
type zone struct {
	// total and unready are how many nodes count, and how many of them are not ready.
	total, unready int
	// first is whose turn it is to be emptied; nil means nobody's.
	first *ocorev1.Node
	// last is when a node began to be emptied last; zero if none is being emptied.
	last time.Time
}

// zonesOf are the zones of some nodes, in the order of their first nodes.
func zonesOf(nodes []ocorev1.Node) []*zone {
	var zones []*zone
	byName := map[string]*zone{}
	for i := range nodes {
		name := zoneOf(&nodes[i])
		if byName[name] == nil {
			byName[name] = &zone{}
			zones = append(zones, byName[name])
		}
		byName[name].add(&nodes[i])
	}
	return zones
}

func (z *zone) add(node *ocorev1.Node) {
	if counts(node) {
		z.total++
		if !nodestatus.Ready(node) {
			z.unready++
		}
	}
	switch taint := taintOf(node); {
	case taint == nil:
		if node.DeletionTimestamp == nil && due(node) != "" && (z.first == nil || before(node, z.first)) {
			z.first = node
		}
	case taint.TimeAdded != nil && taint.TimeAdded.After(z.last):
		z.last = taint.TimeAdded.Time
	}
}

// interval is the time between two nodes of the zone that are emptied; some is false if none is.
func (z *zone) interval() (between time.Duration, some bool) {
	inTrouble := z.unready < z.total && z.unready > few && float64(z.unready)/float64(z.total) >= troubled
	switch {
	case !inTrouble:
		return pace, true
	case z.total > large:
		return slow, true
	default:
		return 0, false
	}
}

// nobodyIsReady reports that no node of the cluster is.
func nobodyIsReady(nodes []ocorev1.Node) bool {
	for i := range nodes {
		if counts(&nodes[i]) && nodestatus.Ready(&nodes[i]) {
			return false
		}
	}
	return true
}

// before reports that a has not been ready for longer than b.
func before(a, b *ocorev1.Node) bool {
	x, y := nodestatus.Readiness(a).LastTransitionTime, nodestatus.Readiness(b).LastTransitionTime
	return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(a.Name, b.Name)) < 0
}

// counts reports that a node says something about the state of its zone.
func counts(node *ocorev1.Node) bool {
	_, no := node.Labels[excluded]
	return !no
}

func zoneOf(node *ocorev1.Node) string { return topology.GetZoneKey((*corev1.Node)(node)) }
