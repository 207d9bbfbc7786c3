package explain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// account is a refusal in a person's terms.
type account struct {
	// detail is a sentence that says by how much, or which.
	detail string
	// short is how much is missing as a share of what the node has, from 0; 1 and more means that it cannot be said or
	// is hopeless.
	short float64
	// remedies are what has to change, all together, for the plugin to agree. None means that no change is known.
	remedies []remedy
}

// remedy is one change, of the pod or of the node.
type remedy struct {
	// phrase completes "would fit on node-3 ...".
	phrase string
	pod    func(*corev1.Pod)
	node   func(*corev1.Node)
}

// account explains a refusal by a plugin that is known; the others' reasons stand for themselves.
func (e *examiner) account(node fwk.NodeInfo, status *fwk.Status) account {
	switch status.Plugin() {
	case "NodeResourcesFit":
		if result := e.fitAccount(node); result.detail != "" {
			return result
		}
	case "TaintToleration":
		return e.taintAccount(node.Node())
	case "NodeUnschedulable":
		return account{detail: "the node is cordoned (spec.unschedulable)", remedies: []remedy{{
			phrase: "once it is uncordoned", node: func(n *corev1.Node) { n.Spec.Unschedulable, n.Spec.Taints = false, uncordoned(n.Spec.Taints) },
		}}}
	case "NodeName":
		return account{detail: fmt.Sprintf("the pod asks for node %s by spec.nodeName", e.pod.Spec.NodeName), short: 1}
	case "NodePorts":
		return e.portAccount(node)
	case "NodeAffinity":
		return e.affinityAccount(node.Node(), status)
	case "PodTopologySpread":
		return e.spreadAccount(node, status)
	case "InterPodAffinity":
		return e.podAffinityAccount(node, status)
	}
	return account{detail: sentence(status), short: 1}
}

// sentence is a status in the plugin's own words.
func sentence(status *fwk.Status) string {
	if reasons := status.Reasons(); len(reasons) > 0 {
		return strings.Join(reasons, "; ")
	}
	return status.Message()
}

func uncordoned(taints []corev1.Taint) []corev1.Taint {
	return slices.DeleteFunc(slices.Clone(taints), func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeUnschedulable })
}

// taintAccount names every taint that keeps the pod away, not only the first.
func (e *examiner) taintAccount(node *corev1.Node) account {
	var result account
	var names []string
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule ||
			schedulinghelpers.TolerationsTolerateTaint(klog.Logger{}, e.pod.Spec.Tolerations, &taint, true) {
			continue
		}
		names = append(names, taint.ToString())
		result.remedies = append(result.remedies, remedy{
			phrase: "with a toleration for " + taint.ToString(),
			pod: func(pod *corev1.Pod) {
				pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
					Key: taint.Key, Operator: corev1.TolerationOpEqual, Value: taint.Value, Effect: taint.Effect,
				})
			},
		})
	}
	verb := "taint %s is not tolerated"
	if len(names) > 1 {
		verb = "taints %s are not tolerated"
	}
	result.detail = fmt.Sprintf(verb, strings.Join(names, ", "))
	return result
}

// portAccount names the ports in use and the pods that use them.
func (e *examiner) portAccount(node fwk.NodeInfo) account {
	var taken []string
	var ports []int32
	for _, wanted := range nodeinfo.HostPorts(e.pod) {
		if !node.GetUsedPorts().CheckConflict(wanted.HostIP, string(wanted.Protocol), wanted.HostPort) {
			continue
		}
		text := fmt.Sprintf("host port %d/%s is in use", wanted.HostPort, protocol(wanted))
		for _, other := range node.GetPods() {
			used := fwk.HostPortInfo{}
			for _, port := range nodeinfo.HostPorts(other.GetPod()) {
				used.Add(port.HostIP, string(port.Protocol), port.HostPort)
			}
			if used.CheckConflict(wanted.HostIP, string(wanted.Protocol), wanted.HostPort) {
				text += " by pod " + klog.KObj(other.GetPod()).String()
				break
			}
		}
		taken, ports = append(taken, text), append(ports, wanted.HostPort)
	}
	return account{detail: strings.Join(taken, ", "), short: 0.5, remedies: []remedy{{
		phrase: "without host port " + joined(ports),
		pod:    func(pod *corev1.Pod) { withoutHostPorts(pod, ports) },
	}}}
}

func protocol(port corev1.ContainerPort) corev1.Protocol {
	if port.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return port.Protocol
}

func joined(ports []int32) string {
	texts := make([]string, len(ports))
	for i, port := range ports {
		texts[i] = fmt.Sprint(port)
	}
	return strings.Join(texts, ", ")
}

func withoutHostPorts(pod *corev1.Pod, ports []int32) {
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i].Ports = slices.DeleteFunc(containers[i].Ports, func(p corev1.ContainerPort) bool {
				return slices.Contains(ports, p.HostPort)
			})
		}
	}
}

// affinityAccount names the labels that the pod wants and the node does not have.
func (e *examiner) affinityAccount(node *corev1.Node, status *fwk.Status) account {
	if fits, err := nodeaffinity.GetRequiredNodeAffinity(e.pod).Match(node); err != nil || fits {
		return account{detail: sentence(status), short: 1} // The profile's added affinity refuses it.
	}
	var missing []string
	missingLabels := map[string]string{}
	for key, value := range e.pod.Spec.NodeSelector {
		if node.Labels[key] != value {
			missing = append(missing, fmt.Sprintf("wants label %s=%s, the node has %s", key, value, labelOf(node, key)))
			missingLabels[key] = value
		}
	}
	slices.Sort(missing)
	if required := requiredTerms(e.pod); len(required) > 0 {
		if text, labels, ok := nearestTerm(node, required); ok {
			missing = append(missing, text)
			for key, value := range labels {
				missingLabels[key] = value
			}
		}
	}
	result := account{detail: strings.Join(missing, ", "), short: 0.75}
	if len(missingLabels) > 0 {
		result.remedies = []remedy{{
			phrase: "with " + labelled(missingLabels) + " on the node",
			node: func(n *corev1.Node) {
				if n.Labels == nil {
					n.Labels = map[string]string{}
				}
				for key, value := range missingLabels {
					n.Labels[key] = value
				}
			},
		}}
	}
	return result
}

func requiredTerms(pod *corev1.Pod) []corev1.NodeSelectorTerm {
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// nearestTerm describes the term, any one of which is enough, of which the fewest expressions do not match. ok is false
// where one matches. labels are those that would make it match, where labels can.
func nearestTerm(node *corev1.Node, terms []corev1.NodeSelectorTerm) (text string, labels map[string]string, ok bool) {
	fewest := -1
	for _, term := range terms {
		var unmatched []string
		wanted := map[string]string{}
		for _, expression := range term.MatchExpressions {
			if matches(node, corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{expression}}) {
				continue
			}
			unmatched = append(unmatched, fmt.Sprintf("wants %s, the node has %s", expressed(expression), labelOf(node, expression.Key)))
			if expression.Operator == corev1.NodeSelectorOpIn && len(expression.Values) > 0 {
				wanted[expression.Key] = expression.Values[0]
			} else if expression.Operator == corev1.NodeSelectorOpExists {
				wanted[expression.Key] = ""
			}
		}
		for _, expression := range term.MatchFields {
			if !matches(node, corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{expression}}) {
				unmatched = append(unmatched, fmt.Sprintf("wants %s, this is %s", expressed(expression), node.Name))
			}
		}
		if len(unmatched) == 0 && len(term.MatchExpressions)+len(term.MatchFields) > 0 {
			return "", nil, false
		}
		if fewest < 0 || len(unmatched) < fewest {
			fewest, text, labels = len(unmatched), strings.Join(unmatched, " and "), wanted
			if len(wanted) < len(unmatched) {
				labels = nil
			}
		}
	}
	return text, labels, text != ""
}

func matches(node *corev1.Node, term corev1.NodeSelectorTerm) bool {
	selector, err := nodeaffinity.NewNodeSelector(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}})
	return err == nil && selector.Match(node)
}

func expressed(r corev1.NodeSelectorRequirement) string {
	values := strings.Join(r.Values, ", ")
	switch r.Operator {
	case corev1.NodeSelectorOpIn:
		return fmt.Sprintf("%s in (%s)", r.Key, values)
	case corev1.NodeSelectorOpNotIn:
		return fmt.Sprintf("%s not in (%s)", r.Key, values)
	case corev1.NodeSelectorOpExists:
		return fmt.Sprintf("label %s", r.Key)
	case corev1.NodeSelectorOpDoesNotExist:
		return fmt.Sprintf("no label %s", r.Key)
	case corev1.NodeSelectorOpGt:
		return fmt.Sprintf("%s > %s", r.Key, values)
	case corev1.NodeSelectorOpLt:
		return fmt.Sprintf("%s < %s", r.Key, values)
	}
	return fmt.Sprintf("%s %s (%s)", r.Key, r.Operator, values)
}

func labelOf(node *corev1.Node, key string) string {
	if value, found := node.Labels[key]; found {
		return key + "=" + value
	}
	return "none"
}

func labelled(labels map[string]string) string {
	var texts []string
	for key, value := range labels {
		texts = append(texts, key+"="+value)
	}
	slices.Sort(texts)
	noun := "label "
	if len(texts) > 1 {
		noun = "labels "
	}
	return noun + strings.Join(texts, ", ")
}
