package policy

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// direction is one of the two ways in which a pod can be isolated.
type direction struct {
	policyType networkingv1.PolicyType
	name       string
	own, peer  string // how a packet names the isolated pod, and whom it talks to
}

var (
	ingress = direction{networkingv1.PolicyTypeIngress, "ingress", "daddr", "saddr"}
	egress  = direction{networkingv1.PolicyTypeEgress, "egress", "saddr", "daddr"}
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
