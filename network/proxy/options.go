package proxy

import (
	"net"
	"net/netip"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// Options say for whom a proxy works.
type Options struct {
	// Name is the control plane's name; the table is called after it.
	Name string
	// NodeName is the node that we run on, as endpoints name it.
	NodeName string
	// ClusterCIDRs are the ranges of all pods, one for each family. Traffic from elsewhere to a service is masqueraded, so that its
	// answers come back through this node. Without one of a family nothing of it is masqueraded but what has to be.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are the ranges of service addresses, one for each family: whatever in them is no service is refused. The families that
	// are served are those of these ranges, or IPv4 where there is none.
	ServiceCIDRs []netip.Prefix
	// BalancerCIDRs are ranges of load balancers' addresses, at most one for each family, that nobody else has addresses of: whatever in
	// them is no service is refused.
	BalancerCIDRs []netip.Prefix
	// NodePortAddresses are the ranges of the node's addresses on which node ports are served, as kube-proxy's --nodeport-addresses has
	// them; none means all of its addresses but loopback ones.
	NodePortAddresses []netip.Prefix
	// Healthz is where the proxy says how it is (/healthz, /livez); nil means nowhere. The proxy closes it.
	Healthz net.Listener
}

// families are those that are served.
func (o Options) families() []ipfamily.Family { return ipfamily.Among(o.ServiceCIDRs...) }

// TableName is what the nftables table of a proxy is called.
func TableName(name string) string { return "orrery-" + name + "-services" }
