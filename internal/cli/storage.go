package cli

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/storage/local"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
)

// storageOptions are what a person can choose about volumes.
type storageOptions struct{ storage onOff }

func (o *storageOptions) addFlags(flags *pflag.FlagSet) {
	o.storage = true
	flags.Var(&o.storage, "storage", "`on` or off: whether claims of the StorageClass "+local.ClassName+", which is the default, get volumes: directories of their nodes. The class is made once, and is yours from then on")
}

// runStorage runs this machine's CSI driver, and the loops beside it.
func (m *machine) runStorage(ctx context.Context, ready func(string)) error {
	cluster, err := m.cluster(identity.Storage)
	if err != nil {
		return err
	}
	part, err := wiring.NewLocalStorage(cluster, local.Options{
		NodeID: m.nodeName(), Dir: m.inst.Path("node"), Version: version.Get().Version,
	}, inspected.of(storageComponent))
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("volumes by " + local.Name) })
}

// runSimulatedStorage runs the same loops for simulated nodes, with a driver that makes volumes of nothing.
func (p *controlPlane) runSimulatedStorage(ctx context.Context, ready func(string)) error {
	cluster, err := p.cluster(identity.Storage)
	if err != nil {
		return err
	}
	place := simulated.Nodes{Prefix: simulatedPrefix, Label: simulatedTaint}
	if p.network == nil {
		place.First = simulatedPrefix + "0"
	}
	part, err := wiring.NewStorage(cluster, new(simulated.Controller).Driver(local.Name, place), inspected.of(simulatedStorageComponent))
	if err != nil {
		return err
	}
	return wiring.Run(ctx, part, func() { ready("volumes of nothing, by " + local.Name) })
}

// makeFirstClass makes the objects by which the cluster knows that there are volumes, and snapshots of them.
func (p *controlPlane) makeFirstClass(ctx context.Context, server *apiserver.Server) error {
	if !p.storage || p.network == nil && p.options.nodes == 0 {
		return nil
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if err := snapshotkinds.Define(ctx, config); err != nil {
		return err
	}
	go func() { // nobody waits for it: the kind is served a moment later
		if err := snapshotkinds.MakeFirst(ctx, config, local.ClassName, local.Name); err != nil && ctx.Err() == nil {
			logger().Error(err, "There is no first class of snapshots")
		}
	}()
	return local.MakeFirst(ctx, api)
}
