package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/routes"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// What an instance has on this machine besides its process is found by looking at the machine: records may be damaged or gone.

// mayRunContainers says whether this user could have run containers here, and so has to look for them.
func mayRunContainers() bool { return defaultRuntime() == containerdRuntime }

// leftProcesses are those that an instance has left behind which was killed, on all its nodes.
func leftProcesses(inst *instance.Instance) ([]int, error) {
	if !mayRunContainers() {
		return nil, nil
	}
	nodes, err := furtherNodes(inst)
	if err != nil {
		return nil, err
	}
	all, err := leftOfOne(inst)
	for _, n := range nodes {
		left, failed := leftOfOne(furtherNode(inst, n))
		all, err = append(all, left...), errors.Join(err, failed)
	}
	return all, err
}

// leftOfOne are those of one node.
func leftOfOne(inst *instance.Instance) ([]int, error) {
	runtime, err := containerd.At(containerdOptions(inst, ""))
	if err != nil {
		return nil, err
	}
	return runtime.Left()
}

// stopLeft stops what a killed instance has left running, and says how many processes that were. Further nodes are left out.
func stopLeft(ctx context.Context, inst *instance.Instance) (int, error) {
	if !mayRunContainers() {
		return 0, nil
	}
	left, err := leftOfOne(inst)
	if err != nil || len(left) == 0 {
		return 0, err
	}
	runtime, err := containerd.At(containerdOptions(inst, ""))
	if err == nil {
		err = runtime.Halt(ctx, podGrace)
	}
	if err != nil {
		return 0, fmt.Errorf("stopping what instance %s has left running: %w", inst.Name, err)
	}
	return len(left), nil
}

// removeInstance removes all that a stopped instance left on this machine, in whatever state it is. What cannot be removed does
// not keep the rest.
func removeInstance(ctx context.Context, inst *instance.Instance) error {
	var errs []error
	if mayRunContainers() {
		errs = append(errs, removeFurthers(ctx, inst))
	}
	return errors.Join(append(errs, removeOne(ctx, inst))...)
}

// removeOne removes what an instance left without its further nodes.
func removeOne(ctx context.Context, inst *instance.Instance) error {
	var errs []error
	if mayRunContainers() {
		errs = append(errs, removeFromHost(ctx, inst))
	}
	errs = append(errs, containerd.Unmount(inst.Dir))
	if err := os.RemoveAll(inst.Dir); err != nil {
		errs = append(errs, fmt.Errorf("removing %s: %w", inst.Dir, err))
	}
	return errors.Join(errs...)
}

// removeFromHost removes what an instance made outside of its directory: containers, the bridge and the tables in the kernel.
func removeFromHost(ctx context.Context, inst *instance.Instance) error {
	runtime, err := containerd.At(containerdOptions(inst, ""))
	if err == nil {
		err = runtime.Reset(ctx)
	}
	if err != nil {
		err = fmt.Errorf("removing containers: %w", err)
	}
	return errors.Join(err,
		nft.RemoveTables(ctx, func(name string) bool { return isTableOf(inst, name) }),
		bridge.Remove(ctx, inst.ID(), networkDir(inst)),
		removeRoutes(inst))
}

// removeRoutes removes the routes to pods of other nodes. One whose settings cannot be read has none that can be told from others'.
func removeRoutes(inst *instance.Instance) error {
	settings, err := inst.Settings()
	if err != nil || !settings.Addresses.Pods.IsValid() {
		return nil //nolint:nilerr // it is about to be removed, damaged or not
	}
	return routes.Remove(settings.Addresses.PodCIDRs()...)
}

// isTableOf says that an nftables table is an instance's: "orrery-", its ID, and one word for what it is for. An ID may be the
// beginning of another.
func isTableOf(inst *instance.Instance, name string) bool {
	purpose, ok := strings.CutPrefix(name, "orrery-"+inst.ID()+"-")
	return ok && purpose != "" && !strings.Contains(purpose, "-")
}
