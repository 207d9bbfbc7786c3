package proxy

import "net/netip"

// Options say for whom a proxy works.
type Options struct {
	// Name is the control plane's name; the table is called after it.
	Name string
	// NodeName is the node that we run on, as endpoints name it.
	NodeName string
	// ClusterCIDR is the range of all pods. Traffic from elsewhere to a service is masqueraded, so that its answers come back
	// through this node. The zero value means that nothing is known, and nothing is masqueraded but what has to be.
	ClusterCIDR netip.Prefix
	// ServiceCIDR is the range of service addresses: whatever in it is no service is refused. The zero value means unknown.
	ServiceCIDR netip.Prefix
}

// TableName is what the nftables table of a proxy is called.
func TableName(name string) string { return "orrery-" + name + "-services" }
