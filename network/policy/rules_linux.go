package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-dev/orrery/network/nft"
)

// rule is one of a policy's, whichever way it goes: with no peers it is about everybody, with no ports about every one.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func rulesOf(d direction, policy *networkingv1.NetworkPolicy) []rule {
	var rules []rule
	if d == ingress {
		for _, r := range policy.Spec.Ingress {
			rules = append(rules, rule{r.From, r.Ports})
		}
		return rules
	}
	for _, r := range policy.Spec.Egress {
		rules = append(rules, rule{r.To, r.Ports})
	}
	return rules
}

// rules are the kernel's rules for one of a policy's: each peer at each port.
func (b *builder) rules(d direction, policy *networkingv1.NetworkPolicy, r rule) []string {
	var rules []string
	for _, peer := range b.peers(d, policy.Namespace, r.peers) {
		for _, port := range b.ports(d, policy, peer.selection, r.ports) {
			rules = append(rules, strings.TrimSpace(strings.TrimSpace(peer.match+" "+port)+" return"))
		}
	}
	return rules
}

// peer is what a packet is matched with to be from or to a peer. The selection is nil if it is not by pods.
type peer struct {
	match     string
	selection *selection
}

func (b *builder) peers(d direction, namespace string, from []networkingv1.NetworkPolicyPeer) []peer {
	if len(from) == 0 {
		return []peer{{}} // everybody
	}
	var all []peer
	for _, p := range from {
		if p.IPBlock != nil {
			if match, ok := block(d, p.IPBlock); ok {
				all = append(all, peer{match: match})
			}
			continue
		}
		s := &selection{namespace: namespace, pods: labels.Everything()}
		if p.PodSelector != nil {
			s.pods = selectorOf(p.PodSelector)
		}
		if p.NamespaceSelector != nil {
			s.namespaces = selectorOf(p.NamespaceSelector)
		}
		all = append(all, peer{match: d.peer + " @" + b.addresses(s), selection: s})
	}
	return all
}

// block matches a block of addresses. One of the other family matches nobody here.
func block(d direction, b *networkingv1.IPBlock) (match string, ok bool) {
	prefix, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !prefix.Addr().Is4() {
		return "", false
	}
	match = fmt.Sprintf("%s %s", d.peer, prefix.Masked())
	var except []string
	for _, text := range b.Except {
		if exception, err := netip.ParsePrefix(text); err == nil && exception.Addr().Is4() {
			except = append(except, exception.Masked().String())
		}
	}
	for _, exception := range except { // each by itself: one set of them may not overlap
		match += fmt.Sprintf(" %s != %s", d.peer, exception)
	}
	return match, true
}

// addresses adds the set of the addresses of those who are selected, unless it is there, and is its name.
func (b *builder) addresses(s *selection) string {
	name := "pods-" + hash(s.String())
	if _, there := b.sets[name]; there {
		return name
	}
	set := nft.Set{Name: name, Type: "ipv4_addr", Comment: s.String()}
	for i := range b.pods {
		if p := &b.pods[i]; s.selects(p, b.namespaces) {
			set.Elements = append(set.Elements, nft.Element{Key: p.address.String(), Comment: p.String(), Why: "pod " + p.String() + " is one of " + s.String()})
		}
	}
	set.Elements = once(set.Elements)
	b.sets[name] = set
	return name
}

// ports are what packets are matched with to be to one of some ports; a single empty text where any will do.
func (b *builder) ports(d direction, policy *networkingv1.NetworkPolicy, to *selection, ports []networkingv1.NetworkPolicyPort) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	numbers := map[string][]string{} // by protocol
	var all []string
	for _, p := range ports {
		protocol := protocolOf(p.Protocol)
		switch {
		case p.Port == nil:
			all = append(all, "meta l4proto "+protocol)
		case p.Port.Type == intstr.String:
			called := to
			if d == ingress {
				called = &selection{namespace: policy.Namespace, pods: selectorOf(&policy.Spec.PodSelector)}
			}
			all = append(all, "ip daddr . meta l4proto . th dport @"+b.named(called, protocol, p.Port.StrVal))
		case p.EndPort != nil:
			numbers[protocol] = append(numbers[protocol], fmt.Sprintf("%d-%d", p.Port.IntVal, *p.EndPort))
		default:
			numbers[protocol] = append(numbers[protocol], fmt.Sprint(p.Port.IntVal))
		}
	}
	for protocol, some := range numbers {
		slices.Sort(some)
		for _, number := range slices.Compact(some) { // each by itself: one set of them may not overlap
			all = append(all, fmt.Sprintf("meta l4proto %s th dport %s", protocol, number))
		}
	}
	return all
}

// named adds the set of where those who are selected have a port of a name, unless it is there, and is its name. Nil selects all pods.
func (b *builder) named(s *selection, protocol, port string) string {
	if s == nil {
		s = &selection{namespaces: labels.Everything(), pods: labels.Everything()}
	}
	about := fmt.Sprintf("port %s/%s of %s", port, protocol, s)
	name := "ports-" + hash(about)
	if _, there := b.sets[name]; there {
		return name
	}
	set := nft.Set{Name: name, Type: "ipv4_addr . inet_proto . inet_service", Comment: about}
	for i := range b.pods {
		p := &b.pods[i]
		if !s.selects(p, b.namespaces) {
			continue
		}
		for _, has := range p.ports {
			if has.Name == port && protocolOf(&has.Protocol) == protocol {
				set.Elements = append(set.Elements, nft.Element{
					Key: fmt.Sprintf("%s . %s . %d", p.address, protocol, has.ContainerPort), Comment: p.String(), Why: "pod " + p.String() + " calls it " + port,
				})
			}
		}
	}
	set.Elements = once(set.Elements)
	b.sets[name] = set
	return name
}

// protocolOf is nft's word for a protocol; TCP if there is none.
func protocolOf(protocol *corev1.Protocol) string {
	if protocol == nil || *protocol == "" {
		return "tcp"
	}
	return strings.ToLower(string(*protocol))
}
