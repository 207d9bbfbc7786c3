package proxy

import "net/netip"

// Options say for whom a proxy works.
type Options struct {
	// Name is the control plane's name; the table is called after it.
	Name string
	// NodeName is the node that we run on.
	NodeName string
	// ClusterCIDR and ServiceCIDR are the ranges of all pods and of services. See World.
	ClusterCIDR, ServiceCIDR netip.Prefix
}
