package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// Dir is where namespaces are pinned, as files that `nsenter --net=FILE` takes. It is not that of `ip netns`, which hides what was
// mounted there before its first use.
const Dir = "/run/orrery/netns"

// MaxNodes is how many nodes a machine can be, the host among them.
const MaxNodes = 100

// Options say what a segment is.
type Options struct {
	// Name is the control plane's name; names of devices, tables and namespaces are made of it. Lower-case letters, digits and hyphens.
	Name string
	// Ranges are those of the nodes' addresses, of IPv4, and of IPv6 if nodes have addresses of that too, of at least 256 addresses each.
	// They are parts of ClusterCIDRs, and nobody's pods have addresses of them.
	Ranges []netip.Prefix
	// ClusterCIDRs are the ranges of all pods and nodes, one for each family: traffic to them keeps its source address.
	ClusterCIDRs []netip.Prefix
}

// Segment is data: nothing exists on the host before Up.
type Segment struct{ options Options }

// New checks the options.
func New(o Options) (*Segment, error) {
	if o.Name == "" {
		return nil, fmt.Errorf("nodes' segment: a name is needed")
	}
	if n := len(o.Ranges); n == 0 || n > 2 || !o.Ranges[0].Addr().Is4() || n == 2 && !o.Ranges[1].Addr().Is6() {
		return nil, fmt.Errorf("nodes' segment %s: ranges %v: give an IPv4 range, such as 10.84.255.0/24, and one of IPv6 or none", o.Name, o.Ranges)
	}
	for _, r := range o.Ranges {
		cluster := ipfamily.Of(r.Addr()).Range(o.ClusterCIDRs)
		switch {
		case r.Addr().BitLen()-r.Bits() < 8:
			return nil, fmt.Errorf("nodes' segment %s: range %s: give one of at least 256 addresses", o.Name, r)
		case r != r.Masked():
			return nil, fmt.Errorf("nodes' segment %s: range %s has host bits set: did you mean %s?", o.Name, r, r.Masked())
		case !cluster.Contains(r.Addr()) || cluster.Bits() > r.Bits():
			return nil, fmt.Errorf("nodes' segment %s: cluster range %s does not contain the range %s", o.Name, cluster, r)
		}
	}
	return &Segment{o}, nil
}

// Address is that of IPv4 of the nth node; the first is the host's, and the gateway of the others.
func (s *Segment) Address(n int) netip.Addr { return s.networks(n)[0].Addr() }

// networks are the addresses of a node, with the lengths of their ranges.
func (s *Segment) networks(n int) []netip.Prefix {
	all := make([]netip.Prefix, len(s.options.Ranges))
	for i, r := range s.options.Ranges {
		a := r.Addr()
		for range n {
			a = a.Next()
		}
		all[i] = netip.PrefixFrom(a, r.Bits())
	}
	return all
}

// hasIPv6 says that nodes have addresses of IPv6 too.
func (s *Segment) hasIPv6() bool { return len(s.options.Ranges) > 1 }

// maxInterfaceName is the kernel's limit on the length of an interface's name: IFNAMSIZ less the closing zero.
const maxInterfaceName = 15

// InterfaceName is what the bridge of a segment is called on the host: "orn-NAME", or a hash of the name where that is too long for the
// kernel.
func InterfaceName(name string) string { return deviceName("orn-", name) }

// PortName is what the host's end of the cable to a node is called.
func PortName(name string, n int) string {
	sum := sha256.Sum256([]byte(name))
	suffix := "-" + strconv.Itoa(n)
	return ("orv-" + hex.EncodeToString(sum[:]))[:maxInterfaceName-len(suffix)] + suffix
}

func deviceName(prefix, name string) string {
	if plain := prefix + name; len(plain) <= maxInterfaceName {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	return (prefix + hex.EncodeToString(sum[:]))[:maxInterfaceName]
}

// TableName is what the nftables table of a segment is called.
func TableName(name string) string { return "orrery-" + name + "-nodes" }

// Namespace is the file by which the namespace of a node is pinned.
func Namespace(name string, n int) string { return filepath.Join(Dir, name+"-"+strconv.Itoa(n)) }

// Nodes are the numbers of the nodes that have a namespace on this machine, sorted.
func Nodes(name string) ([]int, error) {
	entries, err := os.ReadDir(Dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("listing network namespaces: %w", err)
	}
	var all []int
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), name+"-")
		if n, err := strconv.Atoi(number); ok && err == nil && n > 1 && strconv.Itoa(n) == number {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}
