package cli

import (
	"net/netip"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/segment"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// newRuntime is an instance's own containerd. Its programs are in bin, or beside this program.
func newRuntime(inst *instance.Instance, bin string) (*containerd.Runtime, error) {
	return containerd.New(containerdOptions(inst, bin))
}

func containerdOptions(inst *instance.Instance, bin string) containerd.Options {
	if bin == "" {
		bin = filepath.Join(programDir(), "runtime")
	}
	return containerd.Options{
		Dir:         inst.Path("containerd"),
		Programs:    bin,
		CNIConfDir:  filepath.Join(networkDir(inst), "net.d"),
		RegistryDir: registriesDir(inst),
		CgroupRoot:  cgroupRoot(inst),
		SharedDirs:  []string{inst.Path("node")},
		Log:         logger(),
	}
}

// registriesDir is where an instance says how registries are reached. Its further nodes do as it says.
func registriesDir(inst *instance.Instance) string { return inst.Path("registries") }

func newNetwork(inst *instance.Instance, settings instance.Settings) (*bridge.Network, error) {
	return bridge.New(bridge.Options{
		Name:          inst.ID(),
		PodCIDRs:      nodeRanges(settings.Addresses),
		ClusterCIDRs:  settings.Addresses.PodCIDRs(),
		ServiceCIDRs:  settings.Addresses.ServiceCIDRs(),
		BalancerCIDRs: balancerRanges(settings.Addresses),
		Dir:           networkDir(inst),
	})
}

// nodeRanges are the parts of the pods' ranges that the node on this machine has: the first of each.
func nodeRanges(a instance.Addresses) []netip.Prefix { return parts(a, firstPart) }

// nodesRanges are the parts of the pods' ranges that nodes have their own addresses from, where several are on this machine: the last of
// each.
func nodesRanges(a instance.Addresses) []netip.Prefix { return parts(a, lastPart) }

// balancerRanges are the parts of the pods' ranges that load balancers have addresses from, unless somebody chooses others: the last but
// one of each.
func balancerRanges(a instance.Addresses) []netip.Prefix { return parts(a, lastButOnePart) }

// The parts of a range of pods that no node gets but the one on this machine.
const (
	firstPart = iota
	lastPart
	lastButOnePart
)

func parts(a instance.Addresses, which int) []netip.Prefix {
	var all []netip.Prefix
	for _, pods := range a.PodCIDRs() {
		all = append(all, part(pods, which))
	}
	return all
}

// part is as much of a range of pods as a node gets: a /24 of IPv4, a /64 of IPv6.
func part(pods netip.Prefix, which int) netip.Prefix {
	bits := 24
	if pods.Addr().Is6() {
		bits = 64
	}
	address := pods.Masked().Addr().AsSlice()
	if which != firstPart {
		for i := pods.Bits(); i < bits; i++ {
			address[i/8] |= 0x80 >> (i % 8)
		}
	}
	if which == lastButOnePart {
		address[bits/8-1]--
	}
	first, _ := netip.AddrFromSlice(address) // it is as long as it was
	return netip.PrefixFrom(first, bits)
}

func newSegment(inst *instance.Instance, settings instance.Settings) (*segment.Segment, error) {
	return segment.New(segment.Options{
		Name: inst.ID(), Ranges: nodesRanges(settings.Addresses), ClusterCIDRs: settings.Addresses.PodCIDRs(),
	})
}

func networkDir(inst *instance.Instance) string { return inst.Path("network") }

// cgroupRoot is the cgroup below which all pods of an instance are.
func cgroupRoot(inst *instance.Instance) string { return "/orrery-" + inst.ID() }

// programDir is the directory of this program.
func programDir() string {
	self, err := os.Executable()
	if err != nil {
		return "."
	}
	if resolved, err := filepath.EvalSymlinks(self); err == nil {
		self = resolved
	}
	return filepath.Dir(self)
}
