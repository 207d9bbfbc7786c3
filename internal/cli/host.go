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
		Dir:          inst.Path("containerd"),
		Programs:     bin,
		CNIConfDir:   filepath.Join(networkDir(inst), "net.d"),
		RegistryDirs: []string{registriesDir(inst)},
		CgroupRoot:   cgroupRoot(inst),
		SharedDirs:   []string{inst.Path("node")},
		Log:          logger(),
	}
}

// registriesDir is where an instance says how registries are reached. Its further nodes do as it says.
func registriesDir(inst *instance.Instance) string { return inst.Path("registries") }

func newNetwork(inst *instance.Instance, settings instance.Settings) (*bridge.Network, error) {
	return bridge.New(bridge.Options{
		Name:        inst.ID(),
		PodCIDR:     nodeRange(settings.Addresses.Pods),
		ClusterCIDR: settings.Addresses.Pods,
		ServiceCIDR: settings.Addresses.Services,
		Dir:         networkDir(inst),
	})
}

// nodeRange is the part of the pods' range that the node on this machine has: the first /24.
func nodeRange(pods netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(pods.Masked().Addr(), 24)
}

// nodesRange is the part of the pods' range that nodes have their own addresses from, where several are on this machine: the last /24.
func nodesRange(pods netip.Prefix) netip.Prefix {
	const bits = 24
	a := pods.Masked().Addr().As4()
	for i := pods.Bits(); i < bits; i++ {
		a[i/8] |= 0x80 >> (i % 8)
	}
	return netip.PrefixFrom(netip.AddrFrom4(a), bits)
}

func newSegment(inst *instance.Instance, settings instance.Settings) (*segment.Segment, error) {
	return segment.New(segment.Options{
		Name: inst.ID(), Range: nodesRange(settings.Addresses.Pods), ClusterCIDR: settings.Addresses.Pods,
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
