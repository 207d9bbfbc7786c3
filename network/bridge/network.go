package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
)

// Options say what a node's pod network is.
type Options struct {
	// Name is the control plane's name; names of devices and tables are made of it. Lower-case letters, digits and hyphens.
	Name string
	// PodCIDR is the IPv4 range of this node's pods, at least a /29. The first address is the gateway's.
	PodCIDR netip.Prefix
	// ClusterCIDR is the range of all nodes' pods: traffic to it keeps its source address. The zero value means PodCIDR.
	ClusterCIDR netip.Prefix
	// ServiceCIDR is the range of service addresses. The host gets a route to it, so that its own processes reach services even
	// where there is no default route. The zero value means no route.
	ServiceCIDR netip.Prefix
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
	if !o.PodCIDR.IsValid() || !o.PodCIDR.Addr().Is4() || o.PodCIDR.Bits() > 29 {
		return nil, fmt.Errorf("pod network %s: pod range %s: give an IPv4 range of at least 8 addresses, such as 10.84.0.0/24", o.Name, o.PodCIDR)
	}
	if o.PodCIDR != o.PodCIDR.Masked() {
		return nil, fmt.Errorf("pod network %s: pod range %s has host bits set: did you mean %s?", o.Name, o.PodCIDR, o.PodCIDR.Masked())
	}
	if !o.ClusterCIDR.IsValid() {
		o.ClusterCIDR = o.PodCIDR
	}
	if !o.ClusterCIDR.Overlaps(o.PodCIDR) || o.ClusterCIDR.Bits() > o.PodCIDR.Bits() {
		return nil, fmt.Errorf("pod network %s: cluster range %s does not contain the pod range %s", o.Name, o.ClusterCIDR, o.PodCIDR)
	}
	if o.ServiceCIDR.IsValid() && o.ServiceCIDR.Overlaps(o.ClusterCIDR) {
		return nil, fmt.Errorf("pod network %s: service range %s and pod range %s overlap: choose two that do not", o.Name, o.ServiceCIDR, o.ClusterCIDR)
	}
	if o.Dir == "" {
		return nil, errors.New("pod network " + o.Name + ": a directory for the CNI configuration is needed")
	}
	return &Network{options: o}, nil
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

// Gateway is the host's own address on the bridge: the first of the pod range. A server which pods are to reach listens on it.
func (n *Network) Gateway() netip.Addr {
	return n.options.PodCIDR.Addr().Next()
}

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
