package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
)

// family is that of the table. The rules below are for it.
const family = knftables.IPv4Family

// masqueradeMark is a bit of the packet's mark: give this one the node's address. It is cleared where that is done, and is
// the bit that Kubernetes' own proxy uses for the same.
const masqueradeMark = "0x4000"

const setMark = "meta mark set meta mark or " + masqueradeMark

// tableOf is what the table should hold.
func tableOf(w World, ports []port) *nft.Table {
	b := builder{
		world:     w,
		table:     &nft.Table{Family: family, Name: TableName(w.Name), Comment: "service proxy", Chains: frame(w)},
		endpoints: map[string]bool{},
	}
	for i := range ports {
		b.add(&ports[i])
	}
	b.table.Sets = append(b.table.Sets,
		nft.Set{Name: "services", Type: "ipv4_addr . inet_proto . inet_service : verdict", Comment: "addresses of services", Elements: b.services},
		nft.Set{Name: "node-ports", Type: "inet_proto . inet_service : verdict", Comment: "node ports of services", Elements: b.nodePorts},
		nft.Set{Name: "refused", Type: "ipv4_addr . inet_proto . inet_service", Comment: "addresses of services without endpoints", Elements: b.refused},
		nft.Set{Name: "refused-node-ports", Type: "inet_proto . inet_service", Comment: "node ports of services without endpoints", Elements: b.refusedNodePorts},
		nft.Set{Name: "hairpins", Type: "ipv4_addr . ipv4_addr", Comment: "from a pod, through a service, to itself", Elements: b.hairpins()},
	)
	b.table.Sort()
	return b.table
}

// frame is the chains that are always there: how packets come to the sets above.
func frame(w World) []nft.Chain {
	refuse := []string{
		"ip daddr . meta l4proto . th dport @refused goto refusal",
		"fib daddr type local meta l4proto . th dport @refused-node-ports goto refusal",
	}
	if w.ServiceCIDR.IsValid() {
		refuse = append(refuse, fmt.Sprintf("ip daddr %s goto refusal", w.ServiceCIDR))
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
		{Name: "nat-postrouting", Base: nat(knftables.PostroutingHook, knftables.SNATPriority), Rules: []string{
			"meta mark and " + masqueradeMark + " == " + masqueradeMark + " meta mark set meta mark xor " + masqueradeMark + " masquerade",
			"ct status dnat ip saddr . ip daddr @hairpins masquerade",
		}},
		{Name: "translate", Comment: "to one of a service's endpoints", Rules: []string{
			"ip daddr . meta l4proto . th dport vmap @services",
			"ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node-ports",
		}},
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

// builder collects what the ports need.
type builder struct {
	world World
	table *nft.Table

	services, nodePorts, refused, refusedNodePorts []nft.Element

	local     []netip.Addr    // endpoints on this node
	endpoints map[string]bool // chains of endpoints that were added
}

// add plans one port: by which chains its traffic from inside and from outside goes.
func (b *builder) add(port *port) {
	for _, e := range port.cluster {
		if e.here {
			b.local = append(b.local, e.address.Addr())
		}
	}
	inside, outside := b.inside(port), b.outside(port)
	for _, ip := range port.clusterIPs {
		b.address(ip, port, inside)
	}
	for _, ip := range port.externalIPs {
		b.address(ip, port, outside)
	}
	if port.nodePort == 0 {
		return
	}
	key := fmt.Sprintf("%s . %d", port.protocol, port.nodePort)
	if outside == "" {
		b.refusedNodePorts = append(b.refusedNodePorts, nft.Element{Key: key, Comment: port.id, Why: port.why()})
	} else {
		b.nodePorts = append(b.nodePorts, nft.Element{Key: key, Value: outside, Comment: port.id, Why: port.why()})
	}
}

// address sends what goes to one address to a verdict; without one it is refused.
func (b *builder) address(ip netip.Addr, port *port, verdict string) {
	key := fmt.Sprintf("%s . %s . %d", ip, port.protocol, port.number)
	if verdict == "" {
		b.refused = append(b.refused, nft.Element{Key: key, Comment: port.id, Why: port.why()})
	} else {
		b.services = append(b.services, nft.Element{Key: key, Value: verdict, Comment: port.id, Why: port.why()})
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
	if b.world.ClusterCIDR.IsValid() {
		rules = append(rules, fmt.Sprintf("ip saddr != %s %s", b.world.ClusterCIDR, setMark))
	}
	return b.chain("service-"+port.id, port, append(rules, b.balance("", port, to)...))
}

// outside is the verdict on traffic to node ports and external IPs, with the same meaning. Under the policy Local, whoever is
// inside the cluster still reaches all endpoints.
func (b *builder) outside(port *port) string {
	if port.nodePort == 0 && len(port.externalIPs) == 0 || len(port.cluster) == 0 {
		return ""
	}
	name := "external-" + port.id
	if !port.externalLocal {
		return b.chain(name, port, append([]string{setMark}, b.balance("", port, port.cluster)...))
	}
	var rules []string
	if b.world.ClusterCIDR.IsValid() {
		rules = append(rules, b.balance(fmt.Sprintf("ip saddr %s", b.world.ClusterCIDR), port, port.cluster)...)
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
	rule := strings.TrimSpace(condition+" meta l4proto "+port.protocol) + " dnat to"
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
		rules[i] = strings.TrimSpace(fmt.Sprintf("%s ip saddr @%s goto %s", condition, clients, chain))
		choices[i] = fmt.Sprintf("%d : goto %s", i, chain)
	}
	return append(rules, strings.TrimSpace(fmt.Sprintf("%s numgen random mod %d vmap { %s }", condition, len(to), strings.Join(choices, " , "))))
}

// endpoint adds the chain and the set of one endpoint of a port with affinity, unless they are there, and is their names. The
// set's name holds its timeout, which cannot be changed.
func (b *builder) endpoint(port *port, e endpoint) (chain, clients string) {
	id := fmt.Sprintf("%s-%s/%d", port.id, e.address.Addr(), e.address.Port())
	chain, clients = "endpoint-"+id, fmt.Sprintf("clients-%s-%s", id, port.affinity)
	if b.endpoints[chain] {
		return chain, clients
	}
	b.endpoints[chain] = true
	b.table.Sets = append(b.table.Sets, nft.Set{Name: clients, Type: "ipv4_addr", Timeout: port.affinity})
	b.table.Chains = append(b.table.Chains, nft.Chain{Name: chain, Why: port.why(), Rules: []string{
		fmt.Sprintf("update @%s { ip saddr }", clients),
		fmt.Sprintf("meta l4proto %s dnat to %s", port.protocol, e.address),
	}})
	return chain, clients
}

// hairpins are the pairs of one address twice.
func (b *builder) hairpins() []nft.Element {
	slices.SortFunc(b.local, netip.Addr.Compare)
	var all []nft.Element
	for _, ip := range slices.Compact(b.local) {
		all = append(all, nft.Element{Key: fmt.Sprintf("%s . %s", ip, ip), Why: "an endpoint on this node may ask itself"})
	}
	return all
}
