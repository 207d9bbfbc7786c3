package extender

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// ProcessPreemption returns the nodes where the extender agrees to preemption, with the victims that it wants. These may
// be others than were proposed, but have to be on the node.
func (e *Extender) ProcessPreemption(pod *corev1.Pod, proposed map[string]*extenderv1.Victims, nodes fwk.NodeInfoLister) (
	map[string]*extenderv1.Victims, error,
) {
	args := &extenderv1.ExtenderPreemptionArgs{Pod: pod}
	if e.config.NodeCacheCapable {
		args.NodeNameToMetaVictims = byUID(proposed)
	} else {
		args.NodeNameToVictims = proposed
	}
	var result extenderv1.ExtenderPreemptionResult
	err := e.send(e.config.PreemptVerb, args, &result)
	agreed := map[string]*extenderv1.Victims{}
	for node, victims := range result.NodeNameToMetaVictims {
		if err == nil {
			agreed[node], err = victimsOn(node, victims, nodes)
		}
	}
	if err != nil {
		return nil, e.failed("choosing victims of preemption", err)
	}
	return agreed, nil
}

func byUID(proposed map[string]*extenderv1.Victims) map[string]*extenderv1.MetaVictims {
	result := make(map[string]*extenderv1.MetaVictims, len(proposed))
	for node, victims := range proposed {
		result[node] = &extenderv1.MetaVictims{NumPDBViolations: victims.NumPDBViolations, Pods: []*extenderv1.MetaPod{}}
		for _, pod := range victims.Pods {
			result[node].Pods = append(result[node].Pods, &extenderv1.MetaPod{UID: string(pod.UID)})
		}
	}
	return result
}

// victimsOn finds the pods that an answer names by their UIDs.
func victimsOn(name string, named *extenderv1.MetaVictims, nodes fwk.NodeInfoLister) (*extenderv1.Victims, error) {
	node, err := nodes.Get(name)
	if err != nil {
		return nil, err
	}
	if named == nil {
		return nil, nil
	}
	pods := make(map[string]*corev1.Pod, len(node.GetPods()))
	for _, pod := range node.GetPods() {
		pods[string(pod.GetPod().UID)] = pod.GetPod()
	}
	victims := &extenderv1.Victims{NumPDBViolations: named.NumPDBViolations}
	for _, victim := range named.Pods {
		if victim == nil {
			continue
		}
		if pods[victim.UID] == nil {
			return nil, fmt.Errorf("it claims to preempt pod (UID: %v) on node %s, but the pod is not found on that node", victim.UID, name)
		}
		victims.Pods = append(victims.Pods, pods[victim.UID])
	}
	return victims, nil
}
