package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// rules are the kernel's rules for one of a policy's: each peer at each port.
func (b *builder) rules(d direction, policy *networkingv1.NetworkPolicy, r rule) []string {
	var rules []string
	for _, peer := range b.peers(d, policy.Namespace, r.peers) {
		for _, port := range b.ports(d, policy, peer, r.ports) {
			rules = append(rules, strings.TrimSpace(strings.TrimSpace(peer.match+" "+port)+" return"))
		}
	}
	return rules
}

// peer is what a packet is matched with to be from or to a peer, in those families in which it can be. The selection is nil if it is not
// by pods.
type peer struct {
	match     string
	families  []ipfamily.Family
	selection *selection
}

func (b *builder) peers(d direction, namespace string, from []networkingv1.NetworkPolicyPeer) []peer {
	if len(from) == 0 {
		return []peer{{families: b.families}} // everybody
	}
	var all []peer
	for _, p := range from {
		if p.IPBlock != nil {
			if match, f := block(d, p.IPBlock); slices.Contains(b.families, f) {
				all = append(all, peer{match: match, families: []ipfamily.Family{f}})
			}
			continue
		}
		s := peerSelection(namespace, p)
		for _, f := range b.families {
			match := fmt.Sprintf("%s %s @%s", f.Keyword(), d.peer, b.addresses(f, s))
			all = append(all, peer{match: match, families: []ipfamily.Family{f}, selection: s})
		}
	}
	return all
}

// block matches a block of addresses, and is their family; none where it cannot be read, which validation does not let through.
func block(d direction, b *networkingv1.IPBlock) (match string, f ipfamily.Family) {
	prefix, err := netip.ParsePrefix(b.CIDR)
	if err != nil {
		return "", ""
	}
	f = ipfamily.Of(prefix.Addr())
	match = fmt.Sprintf("%s %s %s", f.Keyword(), d.peer, prefix.Masked())
	for _, text := range b.Except { // each by itself: one set of them may not overlap
		if exception, err := netip.ParsePrefix(text); err == nil && f.Has(exception.Addr()) {
			match += fmt.Sprintf(" %s %s != %s", f.Keyword(), d.peer, exception.Masked())
		}
	}
	return match, f
}

// addresses adds the set of a family's addresses of those who are selected, unless it is there, and is its name.
func (b *builder) addresses(f ipfamily.Family, s *selection) string {
	name := "pods-" + hash(s.String()) + f.Suffix()
	if _, there := b.sets[name]; there {
		return name
	}
	set := nft.Set{Name: name, Type: f.ElementType(), Comment: s.String()}
	for i := range b.pods {
		if p := &b.pods[i]; f.Has(p.address) && s.selects(p, b.namespaces) {
			set.Elements = append(set.Elements, nft.Element{Key: p.address.String(), Comment: p.String(), Why: "pod " + p.String() + " is one of " + s.String()})
		}
	}
	set.Elements = once(set.Elements)
	b.sets[name] = set
	return name
}

// ports are what packets from or to a peer are matched with to be to one of some ports; a single empty text where any will do.
func (b *builder) ports(d direction, policy *networkingv1.NetworkPolicy, peer peer, ports []networkingv1.NetworkPolicyPort) []string {
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
			called := peer.selection
			if d == ingress {
				called = &selection{namespace: policy.Namespace, pods: selectorOf(&policy.Spec.PodSelector)}
			}
			for _, f := range peer.families {
				all = append(all, fmt.Sprintf("%s daddr . meta l4proto . th dport @%s", f.Keyword(), b.named(f, called, protocol, p.Port.StrVal)))
			}
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

// named adds the set of where those who are selected have a port of a name, at addresses of a family, unless it is there, and is its
// name. Nil selects all pods.
func (b *builder) named(f ipfamily.Family, s *selection, protocol, port string) string {
	if s == nil {
		s = &selection{namespaces: labels.Everything(), pods: labels.Everything()}
	}
	about := fmt.Sprintf("port %s/%s of %s", port, protocol, s)
	name := "ports-" + hash(about) + f.Suffix()
	if _, there := b.sets[name]; there {
		return name
	}
	set := nft.Set{Name: name, Type: f.ElementType() + " . inet_proto . inet_service", Comment: about}
	for i := range b.pods {
		p := &b.pods[i]
		if !f.Has(p.address) || !s.selects(p, b.namespaces) {
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
