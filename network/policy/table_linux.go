package policy

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// tableOf is what the table should hold.
func tableOf(w World) *nft.Table {
	b := builder{
		families: w.families(), pods: podsOf(w.Pods, w.NodeName),
		namespaces: map[string]labels.Set{}, chains: map[string]nft.Chain{}, sets: map[string]nft.Set{},
	}
	for _, namespace := range w.Namespaces {
		b.namespaces[namespace.Name] = namespace.Labels
	}
	policies := byNamespace(w.Policies)
	for _, f := range b.families {
		b.isolate(f, policies)
	}
	return b.table(w)
}

// isolate adds the sets by which packets of a family come to the chains of the pods on this node.
func (b *builder) isolate(f ipfamily.Family, policies map[string][]*networkingv1.NetworkPolicy) {
	selves := nft.Set{
		Name: "selves" + f.Suffix(), Type: f.ElementType() + " . " + f.ElementType(),
		Comment: "isolated pods, which may always talk to themselves",
	}
	isolated := map[string][]nft.Element{}
	for i := range b.pods {
		p := &b.pods[i]
		if !p.here || !f.Has(p.address) {
			continue
		}
		for _, d := range []direction{ingress, egress} {
			selecting := thatSelect(policies[p.namespace], p, d)
			if len(selecting) == 0 {
				continue
			}
			isolated[d.name] = append(isolated[d.name], nft.Element{
				Key: p.address.String(), Value: "jump " + b.chain(d, p.namespace, selecting), Comment: p.String(),
				Why: fmt.Sprintf("%s selects pod %s for %s", names(selecting), p, d.name),
			})
			selves.Elements = append(selves.Elements, nft.Element{
				Key: fmt.Sprintf("%s . %s", p.address, p.address), Comment: p.String(), Why: "a pod may always talk to itself",
			})
		}
	}
	for _, d := range []direction{ingress, egress} {
		name := "isolated-" + d.name + f.Suffix()
		b.sets[name] = nft.Set{
			Name: name, Type: f.ElementType() + " : verdict", Elements: once(isolated[d.name]),
			Comment: "pods of this node that are isolated for " + d.name,
		}
	}
	selves.Elements = once(selves.Elements)
	b.sets[selves.Name] = selves
}

// table puts together what was built.
func (b *builder) table(w World) *nft.Table {
	rules := []string{"ct state established,related accept"}
	for _, f := range b.families {
		ip, suffix := f.Keyword(), f.Suffix()
		if f == ipfamily.IPv6 { // who filters what bridges pass on asks here for these too, without which pods find nobody
			rules = append(rules, "icmpv6 type { nd-neighbor-solicit , nd-neighbor-advert } accept")
		}
		rules = append(rules, fmt.Sprintf("%s saddr . %s daddr @selves%s accept", ip, ip, suffix))
		for _, d := range []direction{egress, ingress} {
			rules = append(rules, fmt.Sprintf("%s %s vmap @isolated-%s%s", ip, d.own, d.name, suffix))
		}
	}
	t := &nft.Table{Family: knftables.InetFamily, Name: TableName(w.Name), Comment: "network policies", Chains: []nft.Chain{{
		Name: "filter-forward",
		// Services have been translated before, and sources are hidden after.
		Base:  &nft.Base{Type: knftables.FilterType, Hook: knftables.ForwardHook, Priority: knftables.FilterPriority},
		Rules: rules,
	}}}
	t.Chains = append(t.Chains, slices.Collect(maps.Values(b.chains))...)
	t.Sets = slices.Collect(maps.Values(b.sets))
	t.Sort()
	return t
}

// builder collects what the pods of this node need.
type builder struct {
	families   []ipfamily.Family
	pods       []pod
	namespaces map[string]labels.Set // their labels
	chains     map[string]nft.Chain
	sets       map[string]nft.Set
}

// chain adds the chain of some policies of a namespace, unless it is there, and is its name.
func (b *builder) chain(d direction, namespace string, policies []*networkingv1.NetworkPolicy) string {
	name := chainName(d, namespace, policies)
	if _, there := b.chains[name]; there {
		return name
	}
	var rules []string
	for _, policy := range policies {
		for _, rule := range rulesOf(d, policy) {
			rules = append(rules, b.rules(d, policy, rule)...)
		}
	}
	slices.Sort(rules) // what lets through may come in any order
	rules = append(slices.Compact(rules), "drop")
	b.chains[name] = nft.Chain{Name: name, Rules: rules, Why: "what " + names(policies) + " lets through, and nothing else"}
	return name
}

// longest is how long a name may be before a hash takes the place of the policies' names.
const longest = 120

func chainName(d direction, namespace string, policies []*networkingv1.NetworkPolicy) string {
	name := d.name + "-" + namespace
	for _, policy := range policies {
		name += "/" + policy.Name
	}
	if len(name) > longest {
		return fmt.Sprintf("%s-%s/and-%s", d.name, namespace, hash(name))
	}
	return name
}

// hash is a short name for a long text.
func hash(text string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text)) // a hash never fails
	return fmt.Sprintf("%016x", sum.Sum64())
}

// once keeps the first element of each key. Two pods have the same address only for a moment, when one has gone and the other has come.
func once(elements []nft.Element) []nft.Element {
	seen := map[string]bool{}
	return slices.DeleteFunc(elements, func(e nft.Element) bool {
		was := seen[e.Key]
		seen[e.Key] = true
		return was
	})
}
