package policy

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
)

// family is that of the table. The rules are for it.
const family = knftables.IPv4Family

// direction is one of the two ways in which a pod can be isolated.
type direction struct {
	policyType networkingv1.PolicyType
	name       string
	own, peer  string // how a packet names the isolated pod, and whom it talks to
}

var (
	ingress = direction{networkingv1.PolicyTypeIngress, "ingress", "ip daddr", "ip saddr"}
	egress  = direction{networkingv1.PolicyTypeEgress, "egress", "ip saddr", "ip daddr"}
)

// tableOf is what the table should hold.
func tableOf(w World) *nft.Table {
	b := builder{pods: podsOf(w), namespaces: map[string]labels.Set{}, chains: map[string]nft.Chain{}, sets: map[string]nft.Set{}}
	for _, namespace := range w.Namespaces {
		b.namespaces[namespace.Name] = namespace.Labels
	}
	policies := byNamespace(w.Policies)
	selves := nft.Set{Name: "selves", Type: "ipv4_addr . ipv4_addr", Comment: "isolated pods, which may always talk to themselves"}
	isolated := map[string][]nft.Element{}
	for i := range b.pods {
		p := &b.pods[i]
		if !p.here {
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
		b.sets[d.name] = nft.Set{
			Name: "isolated-" + d.name, Type: "ipv4_addr : verdict", Elements: once(isolated[d.name]),
			Comment: "pods of this node that are isolated for " + d.name,
		}
	}
	selves.Elements = once(selves.Elements)
	b.sets[selves.Name] = selves
	return b.table(w)
}

// table puts together what was built.
func (b *builder) table(w World) *nft.Table {
	t := &nft.Table{Family: family, Name: TableName(w.Name), Comment: "network policies", Chains: []nft.Chain{{
		Name: "filter-forward",
		// Services have been translated before, and sources are hidden after.
		Base: &nft.Base{Type: knftables.FilterType, Hook: knftables.ForwardHook, Priority: knftables.FilterPriority},
		Rules: []string{
			"ct state established,related accept",
			"ip saddr . ip daddr @selves accept",
			"ip saddr vmap @isolated-egress",
			"ip daddr vmap @isolated-ingress",
		},
	}}}
	t.Chains = append(t.Chains, slices.Collect(maps.Values(b.chains))...)
	t.Sets = slices.Collect(maps.Values(b.sets))
	t.Sort()
	return t
}

// builder collects what the pods of this node need.
type builder struct {
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

// names names policies for people.
func names(policies []*networkingv1.NetworkPolicy) string {
	all := make([]string, len(policies))
	for i, policy := range policies {
		all[i] = policy.Name
	}
	if len(all) == 1 {
		return "NetworkPolicy " + all[0]
	}
	return "NetworkPolicies " + strings.Join(all, ", ")
}

// byNamespace are policies in the order of their names.
func byNamespace(policies []*networkingv1.NetworkPolicy) map[string][]*networkingv1.NetworkPolicy {
	all := map[string][]*networkingv1.NetworkPolicy{}
	for _, policy := range policies {
		all[policy.Namespace] = append(all[policy.Namespace], policy)
	}
	for _, some := range all {
		slices.SortFunc(some, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(a.Name, b.Name) })
	}
	return all
}

// thatSelect are those of a namespace's policies that isolate a pod of it in a direction.
func thatSelect(policies []*networkingv1.NetworkPolicy, p *pod, d direction) []*networkingv1.NetworkPolicy {
	var some []*networkingv1.NetworkPolicy
	for _, policy := range policies {
		if slices.Contains(policy.Spec.PolicyTypes, d.policyType) && selectorOf(&policy.Spec.PodSelector).Matches(p.labels) {
			some = append(some, policy)
		}
	}
	return some
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
