package nodelifecycle

import (
	"cmp"
	"time"

	corev1 "github.com/orrery-dev/orrery/apis/core/v1"
	k8scorev1 "k8s.io/api/core/v1"
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

// nobodyIsReady reports that no node of the cluster is ready, where one of them is as given.
func nobodyIsReady(node *corev1.Node, nodes []corev1.Node) bool {
	for i := range nodes {
		if n := as(node, &nodes[i]); counts(n) && ready(n) {
			return false
		}
	}
	return true
}

// turn is how long a node has to wait until it may be emptied. It is 0 for the one of its zone whose turn it is: the one
// that has not been ready for the longest. The others wait for it, so that no two go at once, however old the nodes
// are that we see.
func turn(node *corev1.Node, nodes []corev1.Node, now time.Time) time.Duration {
	zone := zoneOf(node)
	var total, unready int
	first, last := node, time.Time{}
	for i := range nodes {
		n := as(node, &nodes[i])
		if zoneOf(n) != zone {
			continue
		}
		if counts(n) {
			total++
			if !ready(n) {
				unready++
			}
		}
		if taint := noExecute(n); taint != nil {
			if taint.TimeAdded != nil && taint.TimeAdded.After(last) {
				last = taint.TimeAdded.Time
			}
			continue
		}
		if n.DeletionTimestamp == nil && evicting(n) != "" && before(n, first) {
			first = n
		}
	}
	between, any := interval(total, unready)
	switch rest := last.Add(between).Sub(now); {
	case !any || first != node:
		return recheck
	default:
		return max(rest, 0)
	}
}

// interval is the time between two nodes of a zone that are emptied; any is false if none is.
func interval(total, unready int) (between time.Duration, any bool) {
	inTrouble := unready < total && unready > few && float64(unready)/float64(total) >= troubled
	switch {
	case !inTrouble:
		return pace, true
	case total > large:
		return slow, true
	default:
		return 0, false
	}
}

// as is the node itself in the place of what the list has of it.
func as(node, listed *corev1.Node) *corev1.Node {
	if listed.Name == node.Name {
		return node
	}
	return listed
}

// before reports that a has not been ready for longer than b.
func before(a, b *corev1.Node) bool {
	x, y := readiness(a).LastTransitionTime, readiness(b).LastTransitionTime
	return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(a.Name, b.Name)) < 0
}

// counts reports that a node says something about the state of its zone.
func counts(node *corev1.Node) bool {
	_, no := node.Labels[excluded]
	return !no
}

func zoneOf(node *corev1.Node) string { return topology.GetZoneKey((*k8scorev1.Node)(node)) }
