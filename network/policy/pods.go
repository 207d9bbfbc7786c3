package policy

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// pod is what policies ask about one, at one of its addresses: it has one of each family that the cluster has.
type pod struct {
	namespace, name string
	labels          labels.Set
	address         netip.Addr
	here            bool // on this node
	ports           []corev1.ContainerPort
}

func (p *pod) String() string { return p.namespace + "/" + p.name }

// podsOf are the pods that have addresses of their own, in the order of their names, once at each address. One that has ended has given
// its addresses back.
func podsOf(pods []*corev1.Pod, node string) []pod {
	var all []pod
	for _, p := range pods {
		if p.Spec.HostNetwork || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, address := range addressesOf(p) {
			all = append(all, pod{
				namespace: p.Namespace, name: p.Name, labels: p.Labels, address: address,
				here: p.Spec.NodeName == node, ports: portsOf(p),
			})
		}
	}
	slices.SortStableFunc(all, func(a, b pod) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// addressesOf are the pod's addresses, of each family at most one.
func addressesOf(p *corev1.Pod) []netip.Addr {
	texts := make([]string, len(p.Status.PodIPs))
	for i, ip := range p.Status.PodIPs {
		texts[i] = ip.IP
	}
	var all []netip.Addr
	for _, f := range ipfamily.All {
		if address := f.Address(texts...); address.IsValid() {
			all = append(all, address)
		}
	}
	return all
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

// peerSelection is whom a peer selects that is no block of addresses, in a policy of a namespace.
func peerSelection(namespace string, p networkingv1.NetworkPolicyPeer) *selection {
	s := &selection{namespace: namespace, pods: labels.Everything()}
	if p.PodSelector != nil {
		s.pods = selectorOf(p.PodSelector)
	}
	if p.NamespaceSelector != nil {
		s.namespaces = selectorOf(p.NamespaceSelector)
	}
	return s
}

// selectorOf is a selector that was stored. One that cannot be read, which validation does not let through, selects nobody.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}

// protocolOf is nft's word for a protocol; TCP if there is none.
func protocolOf(protocol *corev1.Protocol) string {
	if protocol == nil || *protocol == "" {
		return "tcp"
	}
	return strings.ToLower(string(*protocol))
}
