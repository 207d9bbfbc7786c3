package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// Options say what a node's pod network is.
type Options struct {
	// Name is the control plane's name; names of devices and tables are made of it. Lower-case letters, digits and hyphens.
	Name string
	// PodCIDRs are the ranges of this node's pods, of at least 8 addresses: one, or one for each IP family. The first address of each is
	// the gateway's.
	PodCIDRs []netip.Prefix
	// ClusterCIDRs are the ranges of all nodes' pods: traffic to them keeps its source address. Where there is none of a family that
	// is PodCIDRs' own.
	ClusterCIDRs []netip.Prefix
	// ServiceCIDRs are the ranges of service addresses, at most one for each family. The host gets routes to them, so that its own
	// processes reach services even where there is no default route.
	ServiceCIDRs []netip.Prefix
	// BalancerCIDRs are ranges of load balancers' addresses that nobody else has addresses of, at most one for each family. The host gets
	// routes to them, as to services.
	BalancerCIDRs []netip.Prefix
	// Dir holds the CNI configuration and the addresses that are taken. It is made when missing.
	Dir string
	// MTU of the pods' interfaces in bytes. 0 means the kernel's default, 1500.
	MTU int
}

// Network is a node's pod network. It is data: nothing exists on the host before Up.
type Network struct {
	options Options
}

// New checks the options.
func New(o Options) (*Network, error) {
	if !validName.MatchString(o.Name) {
		return nil, fmt.Errorf("pod network: name %q: use lower-case letters, digits and hyphens, at most 63", o.Name)
	}
	if len(o.PodCIDRs) == 0 || len(o.PodCIDRs) > 2 || len(ipfamily.Among(o.PodCIDRs...)) != len(o.PodCIDRs) {
		return nil, fmt.Errorf("pod network %s: pod ranges %v: give one, such as 10.84.0.0/24, or one of IPv4 and one of IPv6", o.Name, o.PodCIDRs)
	}
	if o.Dir == "" {
		return nil, errors.New("pod network " + o.Name + ": a directory for the CNI configuration is needed")
	}
	n := &Network{options: o}
	for _, f := range n.families() {
		if err := n.check(f); err != nil {
			return nil, fmt.Errorf("pod network %s: %w", o.Name, err)
		}
	}
	return n, nil
}

// check says what is wrong with the ranges of a family.
func (n *Network) check(f ipfamily.Family) error {
	pods, cluster, services := n.pods(f), n.cluster(f), f.Range(n.options.ServiceCIDRs)
	switch {
	case pods.Addr().BitLen()-pods.Bits() < 3:
		return fmt.Errorf("pod range %s: give a range of at least 8 addresses, such as 10.84.0.0/24 or fd00:84::/64", pods)
	case pods != pods.Masked():
		return fmt.Errorf("pod range %s has host bits set: did you mean %s?", pods, pods.Masked())
	case !cluster.Overlaps(pods) || cluster.Bits() > pods.Bits():
		return fmt.Errorf("cluster range %s does not contain the pod range %s", cluster, pods)
	case services.IsValid() && services.Overlaps(cluster):
		return fmt.Errorf("service range %s and pod range %s overlap: choose two that do not", services, cluster)
	}
	return nil
}

// families are those that pods have addresses of.
func (n *Network) families() []ipfamily.Family { return ipfamily.Among(n.options.PodCIDRs...) }

// pods is the range of this node's pods of a family; not valid if they have none.
func (n *Network) pods(f ipfamily.Family) netip.Prefix { return f.Range(n.options.PodCIDRs) }

// cluster is the range of all nodes' pods of a family.
func (n *Network) cluster(f ipfamily.Family) netip.Prefix {
	if cluster := f.Range(n.options.ClusterCIDRs); cluster.IsValid() {
		return cluster
	}
	return n.pods(f)
}

var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// maxInterfaceName is the kernel's limit on the length of an interface's name: IFNAMSIZ less the closing zero.
const maxInterfaceName = 15

// Interface is the bridge's name on the host: "orr-NAME", or a hash of the name where that is too long for the kernel.
func (n *Network) Interface() string { return InterfaceName(n.options.Name) }

// InterfaceName is what the bridge of a network is called on the host.
func InterfaceName(name string) string {
	plain := "orr-" + name
	if len(plain) <= maxInterfaceName {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	return "orr-" + hex.EncodeToString(sum[:])[:maxInterfaceName-len("orr-")]
}

// Gateway is the host's own address on the bridge: the first of the first pod range. A server which pods are to reach listens on it.
func (n *Network) Gateway() netip.Addr { return n.options.PodCIDRs[0].Addr().Next() }

// Gateways are the host's own addresses on the bridge, in the order of the pod ranges.
func (n *Network) Gateways() []netip.Addr {
	all := make([]netip.Addr, len(n.options.PodCIDRs))
	for i, pods := range n.options.PodCIDRs {
		all[i] = pods.Addr().Next()
	}
	return all
}

// gateway is the host's own address of a family on the bridge.
func (n *Network) gateway(f ipfamily.Family) netip.Addr { return n.pods(f).Addr().Next() }

// ConfDir is the directory that the runtime reads its CNI configuration from.
func (n *Network) ConfDir() string {
	return filepath.Join(n.options.Dir, "net.d")
}

// allocations is where the address plugin remembers which addresses are taken, over restarts.
func (n *Network) allocations() string {
	return filepath.Join(n.options.Dir, "allocations")
}

// table is the name of our nftables table.
func (n *Network) table() string { return TableName(n.options.Name) }

// TableName is what the nftables table of a network is called.
func TableName(name string) string { return "orrery-" + name + "-pods" }
