package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/proxy"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// newRuntime is an instance's own containerd. Its programs are in bin, or beside this program.
func newRuntime(inst *instance.Instance, bin string) (*containerd.Runtime, error) {
	if bin == "" {
		bin = filepath.Join(programDir(), "runtime")
	}
	return containerd.New(containerd.Options{
		Dir:        inst.Path("containerd"),
		Programs:   bin,
		CNIConfDir: filepath.Join(networkDir(inst), "net.d"),
		CgroupRoot: cgroupRoot(inst),
		SharedDirs: []string{inst.Path("node")},
		Log:        logger(),
	})
}

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

// removeInstance removes all that a stopped instance left on this machine.
func removeInstance(ctx context.Context, inst *instance.Instance) error {
	settings, err := inst.Settings()
	if err != nil {
		return err
	}
	if os.Geteuid() == 0 && settings.Addresses.Pods.IsValid() {
		if err := removeFromHost(ctx, inst, settings); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(inst.Dir); err != nil {
		return fmt.Errorf("removing %s: %w", inst.Dir, err)
	}
	return nil
}

// removeFromHost removes what an instance made outside of its directory: containers, the bridge and the tables in the kernel.
func removeFromHost(ctx context.Context, inst *instance.Instance, settings instance.Settings) error {
	if _, err := os.Stat(inst.Path("containerd")); err == nil {
		runtime, err := newRuntime(inst, "")
		if err != nil {
			return fmt.Errorf("removing containers: %w", err)
		}
		if err := runtime.Reset(ctx); err != nil {
			return fmt.Errorf("removing containers: %w", err)
		}
	}
	if _, err := os.Stat(networkDir(inst)); errors.Is(err, fs.ErrNotExist) {
		return nil // it never ran containers
	}
	services, err := proxy.New(proxy.Options{Name: inst.ID()}, nil)
	if err != nil {
		return err
	}
	if err := services.Remove(ctx); err != nil {
		return fmt.Errorf("removing the table of services: %w", err)
	}
	network, err := newNetwork(inst, settings)
	if err != nil {
		return err
	}
	if err := network.Down(ctx); err != nil {
		return fmt.Errorf("removing the pod network: %w", err)
	}
	return nil
}
