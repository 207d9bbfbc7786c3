package policy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// model answers by what the API says of its fields, and knows nothing of tables: may a packet of UDP pass on a node?
type model struct {
	node       string
	policies   []*networkingv1.NetworkPolicy
	namespaces []*corev1.Namespace
	pods       []*corev1.Pod
}

func (m *model) passes(from, to netip.Addr, port int32) bool {
	source, target := m.podAt(from), m.podAt(to)
	if from == to {
		return true
	}
	return m.lets(networkingv1.PolicyTypeEgress, source, target, to, target, port) && m.lets(networkingv1.PolicyTypeIngress, target, source, from, target, port)
}

// lets says whether policies about own let it talk with other, at an address.
func (m *model) lets(way networkingv1.PolicyType, own, other *corev1.Pod, address netip.Addr, called *corev1.Pod, port int32) bool {
	if own == nil || own.Spec.NodeName != m.node {
		return true
	}
	isolated := false
	for _, p := range m.policies {
		if p.Namespace != own.Namespace || !slices.Contains(p.Spec.PolicyTypes, way) || !matches(&p.Spec.PodSelector, own.Labels) {
			continue
		}
		isolated = true
		if way == networkingv1.PolicyTypeIngress {
			for _, r := range p.Spec.Ingress {
				if m.isOne(p.Namespace, r.From, other, address) && isAt(r.Ports, called, port) {
					return true
				}
			}
		} else {
			for _, r := range p.Spec.Egress {
				if m.isOne(p.Namespace, r.To, other, address) && isAt(r.Ports, called, port) {
					return true
				}
			}
		}
	}
	return !isolated
}

func (m *model) isOne(namespace string, peers []networkingv1.NetworkPolicyPeer, other *corev1.Pod, address netip.Addr) bool {
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
			in := netip.MustParsePrefix(peer.IPBlock.CIDR).Contains(address)
			for _, except := range peer.IPBlock.Except {
				in = in && !netip.MustParsePrefix(except).Contains(address)
			}
			if in {
				return true
			}
		case other == nil:
		case peer.NamespaceSelector == nil:
			if other.Namespace == namespace && matches(peer.PodSelector, other.Labels) {
				return true
			}
		case matches(peer.NamespaceSelector, m.labelsOf(other.Namespace)) && (peer.PodSelector == nil || matches(peer.PodSelector, other.Labels)):
			return true
		}
	}
	return len(peers) == 0
}

func isAt(ports []networkingv1.NetworkPolicyPort, called *corev1.Pod, port int32) bool {
	for _, p := range ports {
		if p.Protocol == nil || *p.Protocol != corev1.ProtocolUDP {
			continue // TCP by default
		}
		switch {
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			if called == nil {
				continue
			}
			for _, has := range called.Spec.Containers[0].Ports {
				if has.Name == p.Port.StrVal && has.ContainerPort == port && has.Protocol == corev1.ProtocolUDP {
					return true
				}
			}
		case p.EndPort != nil && p.Port.IntVal <= port && port <= *p.EndPort, p.EndPort == nil && p.Port.IntVal == port:
			return true
		}
	}
	return len(ports) == 0
}

func (m *model) podAt(address netip.Addr) *corev1.Pod {
	for _, p := range m.pods {
		if p.Status.PodIPs[0].IP == address.String() {
			return p
		}
	}
	return nil
}

func (m *model) labelsOf(namespace string) labels.Set {
	for _, n := range m.namespaces {
		if n.Name == namespace {
			return n.Labels
		}
	}
	return nil
}

func matches(s *metav1.LabelSelector, of labels.Set) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(of)
}
