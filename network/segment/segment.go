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
	// Range is the IPv4 range of the nodes' addresses, at least a /24. It is a part of ClusterCIDR, and nobody's pods have addresses of it.
	Range netip.Prefix
	// ClusterCIDR is the range of all pods and nodes: traffic to it keeps its source address.
	ClusterCIDR netip.Prefix
}

// Segment is data: nothing exists on the host before Up.
type Segment struct{ options Options }

// New checks the options.
func New(o Options) (*Segment, error) {
	switch {
	case o.Name == "":
		return nil, fmt.Errorf("nodes' segment: a name is needed")
	case !o.Range.IsValid() || !o.Range.Addr().Is4() || o.Range.Bits() > 24:
		return nil, fmt.Errorf("nodes' segment %s: range %s: give an IPv4 range of at least 256 addresses, such as 10.84.255.0/24", o.Name, o.Range)
	case o.Range != o.Range.Masked():
		return nil, fmt.Errorf("nodes' segment %s: range %s has host bits set: did you mean %s?", o.Name, o.Range, o.Range.Masked())
	case !o.ClusterCIDR.Contains(o.Range.Addr()) || o.ClusterCIDR.Bits() > o.Range.Bits():
		return nil, fmt.Errorf("nodes' segment %s: cluster range %s does not contain the range %s", o.Name, o.ClusterCIDR, o.Range)
	}
	return &Segment{o}, nil
}

// Address is that of the nth node; the first is the host's, and the gateway of the others.
func (s *Segment) Address(n int) netip.Addr {
	a := s.options.Range.Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// network is an address with the length of the range.
func (s *Segment) network(n int) netip.Prefix {
	return netip.PrefixFrom(s.Address(n), s.options.Range.Bits())
}

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
