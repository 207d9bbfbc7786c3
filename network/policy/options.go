package policy

import "github.com/orrery-dev/orrery/network/ipfamily"

// Options say for whom policies are enforced.
type Options struct {
	// Name is the control plane's name; the table is called after it.
	Name string
	// NodeName is the node that we run on, as pods name it.
	NodeName string
	// Families are those that pods have addresses of; none means IPv4.
	Families []ipfamily.Family
	// Gate is where the node's agent waits before it starts a pod; nil is one to which nobody comes.
	Gate *Gate
}

// families are those that policies hold for.
func (o Options) families() []ipfamily.Family {
	if len(o.Families) == 0 {
		return []ipfamily.Family{ipfamily.IPv4}
	}
	return o.Families
}

// TableName is what the nftables table of the policies is called.
func TableName(name string) string { return "orrery-" + name + "-policies" }
