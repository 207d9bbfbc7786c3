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
	own      map[string]*fwk.Status
	verdicts *Verdicts // of nodes that are not in own; may be nil
	absent   *fwk.Status
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
	if n.verdicts != nil {
		if number, found := n.verdicts.names.Number[node]; found {
			if status, _ := n.verdicts.Refused(number); status != nil {
				return status
			}
		}
	}
	return n.absent
}

// Set gives a node a status of its own.
func (n *NodeStatuses) Set(node string, status *fwk.Status) {
	if n.verdicts != nil {
		if number, found := n.verdicts.names.Number[node]; found {
			n.verdicts.Clear(number)
		}
	}
	n.own[node] = status
}

// SetVerdicts gives all nodes that are refused a status of their own, in place of those that they had. The verdicts belong
// to the NodeStatuses from now on.
func (n *NodeStatuses) SetVerdicts(verdicts *Verdicts) {
	for name := range n.own {
		if number, found := verdicts.names.Number[name]; found {
			if status, _ := verdicts.Refused(number); status != nil {
				delete(n.own, name)
			}
		}
	}
	n.verdicts = verdicts
}

// SetAbsent sets the status of all nodes without one of their own.
func (n *NodeStatuses) SetAbsent(status *fwk.Status) { n.absent = status }

// Absent returns the status of all nodes without one of their own.
func (n *NodeStatuses) Absent() *fwk.Status { return n.absent }

// Len returns how many nodes have a status of their own.
func (n *NodeStatuses) Len() int {
	if n.verdicts == nil {
		return len(n.own)
	}
	return len(n.own) + n.verdicts.Len()
}

// Own returns the nodes with a status of their own. It is made for each call; Len and Each cost less.
func (n *NodeStatuses) Own() map[string]*fwk.Status {
	all := make(map[string]*fwk.Status, n.Len())
	n.Each(func(node string, status *fwk.Status) { all[node] = status })
	return all
}

// Each visits the nodes with a status of their own.
func (n *NodeStatuses) Each(visit func(node string, status *fwk.Status)) {
	for name, status := range n.own {
		visit(name, status)
	}
	if n.verdicts == nil {
		return
	}
	for number, id := range n.verdicts.ids {
		if id != 0 {
			visit(n.verdicts.names.ByNumber[number], n.verdicts.kinds[id-1].status)
		}
	}
}

// Kinds visits the different statuses of nodes, each with a number of nodes that have it. A status can come several times.
func (n *NodeStatuses) Kinds(visit func(status *fwk.Status, nodes int)) {
	for _, status := range n.own {
		visit(status, 1)
	}
	if n.verdicts == nil {
		return
	}
	for i := range n.verdicts.kinds {
		if kind := &n.verdicts.kinds[i]; kind.count > 0 {
			visit(kind.status, kind.count)
		}
	}
}

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
	n.Each(func(name string, status *fwk.Status) {
		if status.Code() != code {
			return
		}
		if node, err := lister.Get(name); err == nil { // A node that has gone has no status worth knowing.
			nodes = append(nodes, node)
		}
	})
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

// AddPluginStatus records the plugin that a rejecting status names.
func (d *Diagnosis) AddPluginStatus(status *fwk.Status) {
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
	diagnosis.AddPluginStatus(status)
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
	e.Diagnosis.Nodes.Kinds(func(status *fwk.Status, nodes int) {
		for _, reason := range status.Reasons() {
			counts[reason] += nodes
		}
	})
	if missing := e.NodeCount - e.Diagnosis.Nodes.Len(); missing > 0 {
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
