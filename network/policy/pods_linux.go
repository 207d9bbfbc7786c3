package policy

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// pod is what policies ask about one.
type pod struct {
	namespace, name string
	labels          labels.Set
	address         netip.Addr
	here            bool // on this node
	ports           []corev1.ContainerPort
}

func (p *pod) String() string { return p.namespace + "/" + p.name }

// podsOf are the pods that have an address of their own, in the order of their names. One that has ended has given its address back.
func podsOf(w World) []pod {
	var all []pod
	for _, p := range w.Pods {
		if p.Spec.HostNetwork || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		if address, ok := addressOf(p); ok {
			all = append(all, pod{
				namespace: p.Namespace, name: p.Name, labels: p.Labels, address: address,
				here: p.Spec.NodeName == w.NodeName, ports: portsOf(p),
			})
		}
	}
	slices.SortFunc(all, func(a, b pod) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// addressOf is the pod's address of our family.
func addressOf(p *corev1.Pod) (netip.Addr, bool) {
	for _, ip := range p.Status.PodIPs {
		if address, err := netip.ParseAddr(ip.IP); err == nil && address.Is4() {
			return address, true
		}
	}
	return netip.Addr{}, false
}

// portsOf are the ports that containers name.
func portsOf(p *corev1.Pod) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range containers {
			ports = append(ports, containers[i].Ports...)
		}
	}
	return ports
}

// selection is whom a peer or a policy selects: pods with some labels, of one namespace or of those with some labels.
type selection struct {
	namespace  string          // the only one, unless
	namespaces labels.Selector // is not nil
	pods       labels.Selector
}

// selects reports whether a pod is among them. A namespace that is not known yet has no labels.
func (s *selection) selects(p *pod, namespaces map[string]labels.Set) bool {
	if s.namespaces == nil {
		return p.namespace == s.namespace && s.pods.Matches(p.labels)
	}
	return s.namespaces.Matches(namespaces[p.namespace]) && s.pods.Matches(p.labels)
}

// String tells one selection from another, and people what it is.
func (s *selection) String() string {
	pods := "all pods"
	if !s.pods.Empty() {
		pods = "pods with " + s.pods.String()
	}
	switch {
	case s.namespaces == nil:
		return pods + " of " + s.namespace
	case s.namespaces.Empty():
		return pods + " of all namespaces"
	default:
		return pods + " of namespaces with " + s.namespaces.String()
	}
}

// selectorOf is a selector that was stored. One that cannot be read, which validation does not let through, selects nobody.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}
