package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/ipfamily"
	"github.com/orrery-dev/orrery/network/nft"
)

// masqueradeMark is a bit of the packet's mark: give this one the node's address. It is cleared where that is done, and is
// the bit that Kubernetes' own proxy uses for the same.
const masqueradeMark = "0x4000"

const setMark = "meta mark set meta mark or " + masqueradeMark

// tableOf is what the table should hold.
func tableOf(w World, ports []port) *nft.Table {
	b := builder{
		world:     w,
		table:     &nft.Table{Family: knftables.InetFamily, Name: TableName(w.Name), Comment: "service proxy", Chains: frame(w)},
		endpoints: map[string]bool{},
		entries:   map[ipfamily.Family]*entries{},
	}
	for _, family := range w.families() {
		b.entries[family] = &entries{}
	}
	for i := range ports {
		b.add(&ports[i])
	}
	for _, family := range w.families() {
		b.table.Sets = append(b.table.Sets, b.entries[family].sets(family)...)
	}
	b.table.Sort()
	return b.table
}

// entries are what one family's sets have, by which packets come to the chains of a port.
type entries struct {
	services, nodePorts, refused, refusedNodePorts []nft.Element

	local []netip.Addr // endpoints on this node
}

// sets are those of a family.
func (e *entries) sets(f ipfamily.Family) []nft.Set {
	address, suffix := f.ElementType(), f.Suffix()
	return []nft.Set{
		{Name: "services" + suffix, Type: address + " . inet_proto . inet_service : verdict", Comment: "addresses of services", Elements: e.services},
		{Name: "node-ports" + suffix, Type: "inet_proto . inet_service : verdict", Comment: "node ports of services", Elements: e.nodePorts},
		{Name: "refused" + suffix, Type: address + " . inet_proto . inet_service", Comment: "addresses of services without endpoints", Elements: e.refused},
		{Name: "refused-node-ports" + suffix, Type: "inet_proto . inet_service", Comment: "node ports of services without endpoints", Elements: e.refusedNodePorts},
		{Name: "hairpins" + suffix, Type: address + " . " + address, Comment: "from a pod, through a service, to itself", Elements: e.hairpins()},
	}
}

// frame is the chains that are always there: how packets come to the sets above.
func frame(w World) []nft.Chain {
	var translate, hide, refuse []string
	for _, f := range w.families() {
		ip, suffix := f.Keyword(), f.Suffix()
		translate = append(translate, fmt.Sprintf("%s daddr . meta l4proto . th dport vmap @services%s", ip, suffix))
		hide = append(hide, fmt.Sprintf("ct status dnat %s saddr . %s daddr @hairpins%s masquerade", ip, ip, suffix))
		refuse = append(refuse, fmt.Sprintf("%s daddr . meta l4proto . th dport @refused%s goto refusal", ip, suffix))
		if own := nodePortsAt(w, f); own != "" {
			translate = append(translate, fmt.Sprintf("%s meta l4proto . th dport vmap @node-ports%s", own, suffix))
			refuse = append(refuse, fmt.Sprintf("%s meta l4proto . th dport @refused-node-ports%s goto refusal", own, suffix))
		}
		for _, nobodys := range []netip.Prefix{f.Range(w.ServiceCIDRs), f.Range(w.BalancerCIDRs)} {
			if nobodys.IsValid() {
				refuse = append(refuse, fmt.Sprintf("%s daddr %s goto refusal", ip, nobodys))
			}
		}
	}
	nat := func(hook knftables.BaseChainHook, priority knftables.BaseChainPriority) *nft.Base {
		return &nft.Base{Type: knftables.NATType, Hook: hook, Priority: priority}
	}
	filter := func(hook knftables.BaseChainHook) *nft.Base {
		return &nft.Base{Type: knftables.FilterType, Hook: hook, Priority: knftables.FilterPriority}
	}
	return []nft.Chain{
		{Name: "nat-prerouting", Base: nat(knftables.PreroutingHook, knftables.DNATPriority), Rules: []string{"jump translate"}},
		{Name: "nat-output", Base: nat(knftables.OutputHook, "-100"), Rules: []string{"jump translate"}},
		{Name: "nat-postrouting", Base: nat(knftables.PostroutingHook, knftables.SNATPriority), Rules: append([]string{
			"meta mark and " + masqueradeMark + " == " + masqueradeMark + " meta mark set meta mark xor " + masqueradeMark + " masquerade",
		}, hide...)},
		{Name: "translate", Comment: "to one of a service's endpoints", Rules: translate},
		{Name: "filter-input", Base: filter(knftables.InputHook), Rules: []string{"jump refuse"}},
		{Name: "filter-forward", Base: filter(knftables.ForwardHook), Rules: []string{"jump refuse"}},
		{Name: "filter-output", Base: filter(knftables.OutputHook), Rules: []string{"jump refuse"}},
		{Name: "refuse", Comment: "what would reach nobody", Rules: refuse},
		{Name: "refusal", Comment: "at once, and as fast as they ask", Rules: []string{
			"meta l4proto tcp reject with tcp reset", // the kernel limits how many ICMP errors it sends
			"reject",
		}},
	}
}

// nodePortsAt is what is true of packets to those of the node's addresses of a family that have node ports; empty where none has.
func nodePortsAt(w World, f ipfamily.Family) string {
	if len(w.NodePortAddresses) == 0 {
		return fmt.Sprintf("%s daddr != %s fib daddr type local", f.Keyword(), f.Loopback())
	}
	chosen := apart(f, w.NodePortAddresses)
	if len(chosen) == 0 {
		return ""
	}
	return fmt.Sprintf("%s daddr { %s } fib daddr type local", f.Keyword(), listed(chosen))
}

// listed are ranges as nft has them in the braces of a set.
func listed(ranges []netip.Prefix) string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = r.String()
	}
	return strings.Join(texts, " , ")
}

// builder collects what the ports need.
type builder struct {
	world     World
	table     *nft.Table
	entries   map[ipfamily.Family]*entries
	endpoints map[string]bool // chains of endpoints that were added
}

// add plans one port: by which chains its traffic from inside and from outside goes.
func (b *builder) add(port *port) {
	for _, e := range slices.Concat(port.cluster, port.local) {
		if e.here {
			of := b.entries[port.family]
			of.local = append(of.local, e.address.Addr())
		}
	}
	inside, outside := b.inside(port), b.outside(port)
	for _, ip := range port.clusterIPs {
		b.address(ip, port, inside)
	}
	for _, ip := range port.externalIPs {
		b.address(ip, port, outside)
	}
	balanced := b.limited(port, outside)
	for _, ip := range port.balancerIPs {
		b.address(ip, port, balanced)
	}
	if port.nodePort == 0 {
		return
	}
	of, key := b.entries[port.family], fmt.Sprintf("%s . %d", port.protocol, port.nodePort)
	if outside == "" {
		of.refusedNodePorts = append(of.refusedNodePorts, nft.Element{Key: key, Comment: port.id, Why: port.why()})
	} else {
		of.nodePorts = append(of.nodePorts, nft.Element{Key: key, Value: outside, Comment: port.id, Why: port.why()})
	}
}

// address sends what goes to one address to a verdict; without one it is refused.
func (b *builder) address(ip netip.Addr, port *port, verdict string) {
	of, key := b.entries[port.family], fmt.Sprintf("%s . %s . %d", ip, port.protocol, port.number)
	if verdict == "" {
		of.refused = append(of.refused, nft.Element{Key: key, Comment: port.id, Why: port.why()})
	} else {
		of.services = append(of.services, nft.Element{Key: key, Value: verdict, Comment: port.id, Why: port.why()})
	}
}

// inside is the verdict on traffic to the cluster IP: empty where there is no endpoint at all, drop where there are some that
// the Service's policy does not let us use.
func (b *builder) inside(port *port) string {
	to := port.cluster
	if port.internalLocal {
		to = port.local
	}
	if len(port.cluster) == 0 {
		return ""
	}
	if len(to) == 0 {
		return "drop"
	}
	var rules []string
	if pods := port.family.Range(b.world.ClusterCIDRs); pods.IsValid() {
		rules = append(rules, fmt.Sprintf("%s saddr != %s %s", port.family.Keyword(), pods, setMark))
	}
	return b.chain("service-"+port.id, port, append(rules, b.balance("", port, to)...))
}

// limited is the verdict on traffic to addresses of a load balancer: that on traffic from outside, for whoever may come from where he
// does. Nobody is exempt, be he inside the cluster or this node.
func (b *builder) limited(port *port, outside string) string {
	if !port.limited || len(port.balancerIPs) == 0 || outside == "" {
		return outside
	}
	if len(port.sources) == 0 {
		return "drop"
	}
	return b.chain("balancer-"+port.id, port, []string{fmt.Sprintf("%s saddr != { %s } drop", port.family.Keyword(), listed(port.sources)), outside})
}

// outside is the verdict on traffic to node ports, external IPs and those of load balancers, with the same meaning. Under the policy
// Local, whoever is inside the cluster still reaches all endpoints.
func (b *builder) outside(port *port) string {
	if port.nodePort == 0 && len(port.outsideIPs()) == 0 || len(port.cluster) == 0 {
		return ""
	}
	name := "external-" + port.id
	if !port.externalLocal {
		return b.chain(name, port, append([]string{setMark}, b.balance("", port, port.cluster)...))
	}
	var rules []string
	if pods := port.family.Range(b.world.ClusterCIDRs); pods.IsValid() {
		rules = append(rules, b.balance(fmt.Sprintf("%s saddr %s", port.family.Keyword(), pods), port, port.cluster)...)
	}
	rules = append(rules, "fib saddr type local "+setMark)
	rules = append(rules, b.balance("fib saddr type local", port, port.cluster)...)
	if len(port.local) == 0 {
		return b.chain(name, port, append(rules, "drop"))
	}
	return b.chain(name, port, append(rules, b.balance("", port, port.local)...))
}

// chain adds a chain, and is the verdict that leads to it.
func (b *builder) chain(name string, port *port, rules []string) string {
	b.table.Chains = append(b.table.Chains, nft.Chain{Name: name, Rules: rules, Why: port.why()})
	return "goto " + name
}

// balance is the rules that choose one of the endpoints at random, for packets of which a condition is true.
func (b *builder) balance(condition string, port *port, to []endpoint) []string {
	if port.affinity > 0 {
		return b.balanceWithAffinity(condition, port, to)
	}
	rule := strings.TrimSpace(condition+" meta l4proto "+port.protocol) + " dnat " + port.family.Keyword() + " to"
	if len(to) == 1 {
		return []string{rule + " " + to[0].address.String()}
	}
	choices := make([]string, len(to))
	for i, e := range to {
		choices[i] = fmt.Sprintf("%d : %s . %d", i, e.address.Addr(), e.address.Port())
	}
	return []string{fmt.Sprintf("%s numgen random mod %d map { %s }", rule, len(to), strings.Join(choices, " , "))}
}

// balanceWithAffinity gives each endpoint a chain, and a set of the clients that it had.
func (b *builder) balanceWithAffinity(condition string, port *port, to []endpoint) []string {
	rules := make([]string, len(to), len(to)+1)
	choices := make([]string, len(to))
	for i, e := range to {
		chain, clients := b.endpoint(port, e)
		rules[i] = strings.TrimSpace(fmt.Sprintf("%s %s saddr @%s goto %s", condition, port.family.Keyword(), clients, chain))
		choices[i] = fmt.Sprintf("%d : goto %s", i, chain)
	}
	return append(rules, strings.TrimSpace(fmt.Sprintf("%s numgen random mod %d vmap { %s }", condition, len(to), strings.Join(choices, " , "))))
}

// endpoint adds the chain and the set of one endpoint of a port with affinity, unless they are there, and is their names. The
// set's name holds its timeout, which cannot be changed.
func (b *builder) endpoint(port *port, e endpoint) (chain, clients string) {
	address := strings.ReplaceAll(e.address.Addr().String(), ":", ".") // a name has no colons
	id := fmt.Sprintf("%s-%s/%d", port.id, address, e.address.Port())
	chain, clients = "endpoint-"+id, fmt.Sprintf("clients-%s-%s", id, port.affinity)
	if b.endpoints[chain] {
		return chain, clients
	}
	b.endpoints[chain] = true
	b.table.Sets = append(b.table.Sets, nft.Set{Name: clients, Type: port.family.ElementType(), Timeout: port.affinity})
	b.table.Chains = append(b.table.Chains, nft.Chain{Name: chain, Why: port.why(), Rules: []string{
		fmt.Sprintf("update @%s { %s saddr }", clients, port.family.Keyword()),
		fmt.Sprintf("meta l4proto %s dnat %s to %s", port.protocol, port.family.Keyword(), e.address),
	}})
	return chain, clients
}

// hairpins are the pairs of one address twice.
func (e *entries) hairpins() []nft.Element {
	slices.SortFunc(e.local, netip.Addr.Compare)
	var all []nft.Element
	for _, ip := range slices.Compact(e.local) {
		all = append(all, nft.Element{Key: fmt.Sprintf("%s . %s", ip, ip), Why: "an endpoint on this node may ask itself"})
	}
	return all
}
