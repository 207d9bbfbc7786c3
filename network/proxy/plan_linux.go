package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/knftables"
)

// World is all that a plan depends on.
type World struct {
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	// NodeName is our node, as endpoints name it.
	NodeName string
	// ClusterCIDR is the range of all pods. Traffic from elsewhere to a service is masqueraded, so that its answers come back
	// through this node. The zero value means that nothing is known, and nothing is masqueraded but what has to be.
	ClusterCIDR netip.Prefix
	// ServiceCIDR is the range of service addresses: whatever in it is no service is refused. The zero value means unknown.
	ServiceCIDR netip.Prefix
	// Table is the name of the nftables table.
	Table string
}

// masqueradeMark is a bit of the packet's mark: give this one the node's address. It is cleared where that is done, and is
// the bit that Kubernetes' own proxy uses for the same.
const masqueradeMark = "0x4000"

const setMark = "meta mark set meta mark or " + masqueradeMark

// Plan decides what the table should hold.
func Plan(w World) *Table {
	p := planner{world: w, table: &Table{Name: w.Table, Chains: frame(w)}, endpoints: map[string]bool{}}
	for _, port := range ports(w) {
		p.add(&port)
	}
	p.table.Sets = append(p.table.Sets,
		Set{Name: "services", Type: "ipv4_addr . inet_proto . inet_service : verdict", Comment: "addresses of services", Elements: p.services},
		Set{Name: "node-ports", Type: "inet_proto . inet_service : verdict", Comment: "node ports of services", Elements: p.nodePorts},
		Set{Name: "refused", Type: "ipv4_addr . inet_proto . inet_service", Comment: "addresses of services without endpoints", Elements: p.refused},
		Set{Name: "refused-node-ports", Type: "inet_proto . inet_service", Comment: "node ports of services without endpoints", Elements: p.refusedNodePorts},
		Set{Name: "hairpins", Type: "ipv4_addr . ipv4_addr", Comment: "from a pod, through a service, to itself", Elements: p.hairpins()},
	)
	p.table.sort()
	return p.table
}

// frame is the chains that are always there: how packets come to the sets above.
func frame(w World) []Chain {
	refuse := []string{
		"ip daddr . meta l4proto . th dport @refused goto refusal",
		"fib daddr type local meta l4proto . th dport @refused-node-ports goto refusal",
	}
	if w.ServiceCIDR.IsValid() {
		refuse = append(refuse, fmt.Sprintf("ip daddr %s goto refusal", w.ServiceCIDR))
	}
	nat := func(hook knftables.BaseChainHook, priority knftables.BaseChainPriority) *Base {
		return &Base{Type: knftables.NATType, Hook: hook, Priority: priority}
	}
	filter := func(hook knftables.BaseChainHook) *Base {
		return &Base{Type: knftables.FilterType, Hook: hook, Priority: knftables.FilterPriority}
	}
	return []Chain{
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

// planner collects what the ports need.
type planner struct {
	world World
	table *Table

	services, nodePorts, refused, refusedNodePorts []Element

	local     []netip.Addr    // endpoints on this node
	endpoints map[string]bool // chains of endpoints that were added
}

// add plans one port: by which chains its traffic from inside and from outside goes.
func (p *planner) add(port *port) {
	for _, e := range port.cluster {
		if e.here {
			p.local = append(p.local, e.address.Addr())
		}
	}
	inside, outside := p.inside(port), p.outside(port)
	for _, ip := range port.clusterIPs {
		p.address(ip, port, inside)
	}
	for _, ip := range port.externalIPs {
		p.address(ip, port, outside)
	}
	if port.nodePort == 0 {
		return
	}
	key := fmt.Sprintf("%s . %d", port.protocol, port.nodePort)
	if outside == "" {
		p.refusedNodePorts = append(p.refusedNodePorts, Element{Key: key, Comment: port.id()})
	} else {
		p.nodePorts = append(p.nodePorts, Element{Key: key, Value: outside, Comment: port.id()})
	}
}

// address sends what goes to one address to a verdict; without one it is refused.
func (p *planner) address(ip netip.Addr, port *port, verdict string) {
	key := fmt.Sprintf("%s . %s . %d", ip, port.protocol, port.number)
	if verdict == "" {
		p.refused = append(p.refused, Element{Key: key, Comment: port.id()})
	} else {
		p.services = append(p.services, Element{Key: key, Value: verdict, Comment: port.id()})
	}
}

// inside is the verdict on traffic to the cluster IP: empty where there is no endpoint at all, drop where there are some that
// the Service's policy does not let us use.
func (p *planner) inside(port *port) string {
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
	if p.world.ClusterCIDR.IsValid() {
		rules = append(rules, fmt.Sprintf("ip saddr != %s %s", p.world.ClusterCIDR, setMark))
	}
	return p.chain("service-"+port.id(), append(rules, p.balance("", port, to)...))
}

// outside is the verdict on traffic to node ports and external IPs, with the same meaning. Under the policy Local, whoever is
// inside the cluster still reaches all endpoints.
func (p *planner) outside(port *port) string {
	if port.nodePort == 0 && len(port.externalIPs) == 0 || len(port.cluster) == 0 {
		return ""
	}
	name := "external-" + port.id()
	if !port.externalLocal {
		return p.chain(name, append([]string{setMark}, p.balance("", port, port.cluster)...))
	}
	var rules []string
	if p.world.ClusterCIDR.IsValid() {
		rules = append(rules, p.balance(fmt.Sprintf("ip saddr %s", p.world.ClusterCIDR), port, port.cluster)...)
	}
	rules = append(rules, "fib saddr type local "+setMark)
	rules = append(rules, p.balance("fib saddr type local", port, port.cluster)...)
	if len(port.local) == 0 {
		return p.chain(name, append(rules, "drop"))
	}
	return p.chain(name, append(rules, p.balance("", port, port.local)...))
}

// chain adds a chain, and is the verdict that leads to it.
func (p *planner) chain(name string, rules []string) string {
	p.table.Chains = append(p.table.Chains, Chain{Name: name, Rules: rules})
	return "goto " + name
}

// balance is the rules that choose one of the endpoints at random, for packets of which a condition is true.
func (p *planner) balance(condition string, port *port, to []endpoint) []string {
	if port.affinity > 0 {
		return p.balanceWithAffinity(condition, port, to)
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
func (p *planner) balanceWithAffinity(condition string, port *port, to []endpoint) []string {
	rules := make([]string, len(to), len(to)+1)
	choices := make([]string, len(to))
	for i, e := range to {
		chain, clients := p.endpoint(port, e)
		rules[i] = strings.TrimSpace(fmt.Sprintf("%s ip saddr @%s goto %s", condition, clients, chain))
		choices[i] = fmt.Sprintf("%d : goto %s", i, chain)
	}
	return append(rules, strings.TrimSpace(fmt.Sprintf("%s numgen random mod %d vmap { %s }", condition, len(to), strings.Join(choices, " , "))))
}

// endpoint adds the chain and the set of one endpoint of a port with affinity, unless they are there, and is their names. The
// set's name holds its timeout, which cannot be changed.
func (p *planner) endpoint(port *port, e endpoint) (chain, clients string) {
	id := fmt.Sprintf("%s-%s/%d", port.id(), e.address.Addr(), e.address.Port())
	chain, clients = "endpoint-"+id, fmt.Sprintf("clients-%s-%s", id, port.affinity)
	if p.endpoints[chain] {
		return chain, clients
	}
	p.endpoints[chain] = true
	p.table.Sets = append(p.table.Sets, Set{Name: clients, Type: "ipv4_addr", Timeout: port.affinity})
	p.table.Chains = append(p.table.Chains, Chain{Name: chain, Rules: []string{
		fmt.Sprintf("update @%s { ip saddr }", clients),
		fmt.Sprintf("meta l4proto %s dnat to %s", port.protocol, e.address),
	}})
	return chain, clients
}

// hairpins are the pairs of one address twice.
func (p *planner) hairpins() []Element {
	slices.SortFunc(p.local, netip.Addr.Compare)
	var all []Element
	for _, ip := range slices.Compact(p.local) {
		all = append(all, Element{Key: fmt.Sprintf("%s . %s", ip, ip)})
	}
	return all
}
