package explain

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// RefusalExplainer is a plugin that knows more of a refusal than its reasons say.
type RefusalExplainer interface {
	fwk.Plugin
	// ExplainRefusal says of a node that the plugin's Filter refuses by how much it does not fit, and what would have to
	// change. The zero Refusal means that there is no more to say than the reasons do.
	ExplainRefusal(refused Refused) Detail
}

// ScoreExplainer is a plugin that can say in a sentence what its score means.
type ScoreExplainer interface {
	fwk.Plugin
	// ExplainScore says why a node has a score, before it is normalized. "" means that the number says it all.
	ExplainScore(pod *corev1.Pod, node fwk.NodeInfo, score int64) string
}

// Refused is a node that a plugin refuses, in the cluster that there is.
type Refused struct {
	Pod  *corev1.Pod
	Node fwk.NodeInfo
	// Cluster is all nodes.
	Cluster []fwk.NodeInfo
}

// Detail is a refusal in a person's terms.
type Detail struct {
	// Text is a sentence that says by how much, or which.
	Text string
	// Shortfall is how much is missing as a share of what the node has, from 0; 1 and more means that it cannot be said or
	// is hopeless.
	Shortfall float64
	// Remedies are what has to change, all together, for the plugin to agree. None means that no change is known.
	Remedies []Remedy
}

// Remedy is one change, of the pod or of the node. The function of the other is nil.
type Remedy struct {
	// Phrase completes "would fit on node-3 ...".
	Phrase string
	Pod    func(*corev1.Pod)
	Node   func(*corev1.Node)
}

// explainRefusal asks the plugin that refused a node. Where it is no RefusalExplainer, its reasons stand for themselves.
func (e *examiner) explainRefusal(node fwk.NodeInfo, status *fwk.Status) Detail {
	if explainer, ok := e.profile.Plugin(status.Plugin()).(RefusalExplainer); ok {
		if detail := explainer.ExplainRefusal(Refused{Pod: e.pod, Node: node, Cluster: e.nodes}); detail.Text != "" {
			return detail
		}
	}
	return Detail{Text: sentence(status), Shortfall: 1}
}

// sentence is a status in the plugin's own words.
func sentence(status *fwk.Status) string {
	if reasons := status.Reasons(); len(reasons) > 0 {
		return strings.Join(reasons, "; ")
	}
	return status.Message()
}

// explainScore asks the plugin that scored a node.
func (e *examiner) explainScore(node fwk.NodeInfo, plugin string, raw int64) string {
	if explainer, ok := e.profile.Plugin(plugin).(ScoreExplainer); ok {
		return explainer.ExplainScore(e.pod, node, raw)
	}
	return ""
}
