package extender

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Filter returns those of the nodes that the extender lets pass, in its order, and why it refuses others: failed where
// preemption may help, and unresolvable where it does not. An extender that does not filter lets all pass.
func (e *Extender) Filter(pod *corev1.Pod, nodes []fwk.NodeInfo) (
	passed []fwk.NodeInfo, failed, unresolvable extenderv1.FailedNodesMap, err error,
) {
	if !e.IsFilter() {
		return nodes, nil, nil, nil
	}
	var result extenderv1.ExtenderFilterResult
	err = e.send(e.config.FilterVerb, e.args(pod, nodes), &result)
	if err == nil && result.Error != "" {
		err = errors.New(result.Error)
	}
	if err == nil {
		passed, err = e.passed(&result, nodes)
	}
	if err != nil {
		return nil, nil, nil, e.failed("filtering nodes", err)
	}
	return passed, result.FailedNodes, result.FailedAndUnresolvableNodes, nil
}

// args names the nodes to an extender that knows them, and shows them to one that does not.
func (e *Extender) args(pod *corev1.Pod, nodes []fwk.NodeInfo) *extenderv1.ExtenderArgs {
	args := &extenderv1.ExtenderArgs{Pod: pod}
	if e.config.NodeCacheCapable {
		names := make([]string, len(nodes))
		for i, node := range nodes {
			names[i] = node.Node().Name
		}
		args.NodeNames = &names
		return args
	}
	args.Nodes = &corev1.NodeList{Items: make([]corev1.Node, len(nodes))}
	for i, node := range nodes {
		args.Nodes.Items[i] = *node.Node()
	}
	return args
}

// passed finds the nodes of an answer among those that were asked about. Whatever an extender says of a node, it is the
// scheduler's view of it that counts from here on.
func (e *Extender) passed(result *extenderv1.ExtenderFilterResult, asked []fwk.NodeInfo) ([]fwk.NodeInfo, error) {
	byName := make(map[string]fwk.NodeInfo, len(asked))
	for _, node := range asked {
		byName[node.Node().Name] = node
	}
	var passed []fwk.NodeInfo
	for _, name := range e.named(result) {
		node, found := byName[name]
		if !found {
			return nil, fmt.Errorf("it claims a filtered node %q which is not found in the input node list", name)
		}
		passed = append(passed, node)
	}
	return passed, nil
}

func (e *Extender) named(result *extenderv1.ExtenderFilterResult) []string {
	if e.config.NodeCacheCapable && result.NodeNames != nil {
		return *result.NodeNames
	}
	if result.Nodes == nil {
		return nil
	}
	names := make([]string, len(result.Nodes.Items))
	for i := range result.Nodes.Items {
		names[i] = result.Nodes.Items[i].Name
	}
	return names
}

// Prioritize returns the extender's scores of the nodes, and its weight. One that does not prioritize gives each 0.
func (e *Extender) Prioritize(pod *corev1.Pod, nodes []fwk.NodeInfo) (*extenderv1.HostPriorityList, int64, error) {
	if !e.IsPrioritizer() {
		scores := make(extenderv1.HostPriorityList, len(nodes))
		for i, node := range nodes {
			scores[i] = extenderv1.HostPriority{Host: node.Node().Name}
		}
		return &scores, 0, nil
	}
	var scores extenderv1.HostPriorityList
	if err := e.send(e.config.PrioritizeVerb, e.args(pod, nodes), &scores); err != nil {
		return nil, 0, e.failed("scoring nodes", err)
	}
	return &scores, e.config.Weight, nil
}

// Bind lets the extender bind a pod.
func (e *Extender) Bind(binding *corev1.Binding) error {
	var result extenderv1.ExtenderBindingResult
	err := e.send(e.config.BindVerb, &extenderv1.ExtenderBindingArgs{
		PodName: binding.Name, PodNamespace: binding.Namespace, PodUID: binding.UID, Node: binding.Target.Name,
	}, &result)
	if err == nil && result.Error != "" {
		err = errors.New(result.Error)
	}
	if err != nil {
		return e.failed(fmt.Sprintf("binding pod %s/%s to node %s", binding.Namespace, binding.Name, binding.Target.Name), err)
	}
	return nil
}
