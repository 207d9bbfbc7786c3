package framework

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// NodeStatuses says why a pod cannot run on each node. Nodes without a status of their own have the one for absent nodes.
type NodeStatuses struct {
	own    map[string]*fwk.Status
	absent *fwk.Status
}

var _ fwk.NodeToStatusReader = &NodeStatuses{}

// NewNodeStatuses returns an empty set, where absent nodes are UnschedulableAndUnresolvable without a reason.
func NewNodeStatuses() *NodeStatuses {
	return &NodeStatuses{own: map[string]*fwk.Status{}, absent: fwk.NewStatus(fwk.UnschedulableAndUnresolvable)}
}

// Get returns the status of a node.
func (n *NodeStatuses) Get(node string) *fwk.Status {
	if status, found := n.own[node]; found {
		return status
	}
	return n.absent
}

// Set gives a node a status of its own.
func (n *NodeStatuses) Set(node string, status *fwk.Status) { n.own[node] = status }

// SetAbsent sets the status of all nodes without one of their own.
func (n *NodeStatuses) SetAbsent(status *fwk.Status) { n.absent = status }

// Absent returns the status of all nodes without one of their own.
func (n *NodeStatuses) Absent() *fwk.Status { return n.absent }

// Own returns the nodes with a status of their own. Do not change the map.
func (n *NodeStatuses) Own() map[string]*fwk.Status { return n.own }

// NodesForStatusCode returns the nodes whose status has the code.
func (n *NodeStatuses) NodesForStatusCode(lister fwk.NodeInfoLister, code fwk.Code) ([]fwk.NodeInfo, error) {
	if n.absent.Code() != code {
		return n.ownNodes(lister, code), nil
	}
	nodes, err := lister.List()
	if err != nil {
		return nil, fmt.Errorf("listing nodes with status %s: %w", code, err)
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(node fwk.NodeInfo) bool {
		return n.Get(node.Node().Name).Code() != code
	}), nil
}

func (n *NodeStatuses) ownNodes(lister fwk.NodeInfoLister, code fwk.Code) []fwk.NodeInfo {
	var nodes []fwk.NodeInfo
	for name, status := range n.own {
		if status.Code() != code {
			continue
		}
		if node, err := lister.Get(name); err == nil { // A node that has gone has no status worth knowing.
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// Diagnosis is why an attempt found no node.
type Diagnosis struct {
	Nodes *NodeStatuses
	// UnschedulablePlugins and PendingPlugins said no; an event that one of them registered for brings the pod back.
	UnschedulablePlugins sets.Set[string]
	PendingPlugins       sets.Set[string]
	// PreFilterMessage is set where PreFilter ended the attempt.
	PreFilterMessage string
	// PostFilterMessage is what PostFilter plugins said, if there are any.
	PostFilterMessage string
}

// NewDiagnosis returns an empty Diagnosis.
func NewDiagnosis() *Diagnosis { return &Diagnosis{Nodes: NewNodeStatuses()} }

// Blame records the plugin that a rejecting status names.
func (d *Diagnosis) Blame(status *fwk.Status) {
	if status.Plugin() == "" || !status.IsRejected() {
		return
	}
	if d.UnschedulablePlugins == nil {
		d.UnschedulablePlugins = sets.New[string]()
	}
	d.UnschedulablePlugins.Insert(status.Plugin())
	if status.Code() != fwk.Pending {
		return
	}
	if d.PendingPlugins == nil {
		d.PendingPlugins = sets.New[string]()
	}
	d.PendingPlugins.Insert(status.Plugin())
}

// FitError says that a pod fits on no node. Its text is kube-scheduler's, which people and tools read in events and in
// the PodScheduled condition.
type FitError struct {
	Pod       *corev1.Pod
	NodeCount int
	Diagnosis *Diagnosis
}

// NewFitError returns the error for a pod that was rejected on the one node chosen for it.
func NewFitError(pod *corev1.Pod, node string, status *fwk.Status) *FitError {
	diagnosis := NewDiagnosis()
	diagnosis.Nodes.Set(node, status)
	diagnosis.Blame(status)
	return &FitError{Pod: pod, NodeCount: 1, Diagnosis: diagnosis}
}

// Error returns "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s)." followed by what
// PostFilter says.
func (e *FitError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "0/%d nodes are available:", e.NodeCount)
	if message := e.Diagnosis.PreFilterMessage; message != "" {
		// All nodes have this status, so that counting reasons would only say it twice.
		fmt.Fprintf(&text, " %s.", message)
	} else if reasons := e.reasons(); len(reasons) > 0 {
		fmt.Fprintf(&text, " %s.", strings.Join(reasons, ", "))
	}
	if message := e.Diagnosis.PostFilterMessage; message != "" {
		fmt.Fprintf(&text, " %s", message)
	}
	return text.String()
}

// reasons returns each reason with the number of nodes that it holds for, sorted as text.
func (e *FitError) reasons() []string {
	counts := map[string]int{}
	for _, status := range e.Diagnosis.Nodes.own {
		for _, reason := range status.Reasons() {
			counts[reason]++
		}
	}
	if missing := e.NodeCount - len(e.Diagnosis.Nodes.own); missing > 0 {
		for _, reason := range e.Diagnosis.Nodes.absent.Reasons() {
			counts[reason] += missing
		}
	}
	lines := make([]string, 0, len(counts))
	for reason, count := range counts {
		lines = append(lines, fmt.Sprintf("%d %s", count, reason))
	}
	slices.Sort(lines)
	return lines
}
