package nodeports

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

var _ explain.RefusalExplainer = Plugin{}

// ExplainRefusal names the ports in use and the pods that use them.
func (Plugin) ExplainRefusal(refused explain.Refused) explain.Detail {
	var taken []string
	var ports []int32
	for _, wanted := range nodeinfo.HostPorts(refused.Pod) {
		if !refused.Node.GetUsedPorts().CheckConflict(wanted.HostIP, string(wanted.Protocol), wanted.HostPort) {
			continue
		}
		text := fmt.Sprintf("host port %d/%s is in use", wanted.HostPort, protocol(wanted))
		for _, other := range refused.Node.GetPods() {
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
	return explain.Detail{Text: strings.Join(taken, ", "), Shortfall: 0.5, Remedies: []explain.Remedy{{
		Phrase: "without host port " + joined(ports),
		Pod:    func(pod *corev1.Pod) { withoutHostPorts(pod, ports) },
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
