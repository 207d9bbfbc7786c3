package wiring

import (
	"context"
	"errors"
	"fmt"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/storage/capacity"
	"github.com/orrery-dev/orrery/storage/deleter"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/local"
	"github.com/orrery-dev/orrery/storage/provisioner"
	"github.com/orrery-dev/orrery/storage/resizer"
	"github.com/orrery-dev/orrery/storage/snapshotcontroller"
	"github.com/orrery-dev/orrery/storage/snapshotter"
)

// NewStorage makes the loops beside a CSI driver, by which claims get volumes of it, and snapshots are taken of those if the driver can
// and the cluster has, or comes to have, their kinds. inspect is handed what shows their plans; nil shows them to nobody.
func NewStorage(c Cluster, d *driver.Driver, inspect func(engine.Inspector)) (*Manager, error) {
	var unknown error
	mgr, err := NewManager(c, func(m *manager.Options) {
		unknown = snapshotv1.AddToScheme(m.Scheme)
		m.Cache.ByObject = map[client.Object]cache.ByObject{&ostoragev1.CSIStorageCapacity{}: {
			Namespaces: map[string]cache.Config{capacity.Namespace: {LabelSelector: labels.SelectorFromSet(capacity.Labels(d))}},
		}}
	})
	if err := errors.Join(unknown, err); err != nil {
		return nil, err
	}
	loops := []loop.Loop{provisioner.Loop(d), deleter.Loop(d), resizer.Loop(d), capacity.Loop(d)}
	mgr.loops, mgr.started = len(loops), make(chan struct{}, len(loops))
	options := loop.Options{Inspect: inspect, Started: func() { mgr.started <- struct{}{} }}
	if err := loop.AddAll(mgr, options, loops...); err != nil {
		return nil, err
	}
	if !d.TakesSnapshots() {
		return mgr, nil
	}
	return mgr, addSnapshots(mgr, loop.Options{Inspect: inspect}, snapshotcontroller.Loop(d), snapshotter.Loop(d))
}

// LocalStorage is the CSI driver of this machine with the loops beside it, as a part: it is of use when claims get volumes.
type LocalStorage struct {
	cluster Cluster
	driver  *local.Driver
	node    string
	inspect func(engine.Inspector)
	ready   chan struct{}
}

// NewLocalStorage makes the CSI driver of this machine. What it logs is filled in. inspect is handed what shows the plans of its loops;
// nil shows them to nobody.
func NewLocalStorage(c Cluster, o local.Options, inspect func(engine.Inspector)) (*LocalStorage, error) {
	o.Log = c.Log
	d, err := local.New(o)
	if err != nil {
		return nil, err
	}
	return &LocalStorage{cluster: c, driver: d, node: o.NodeID, inspect: inspect, ready: make(chan struct{})}, nil
}

// Ready implements Part.
func (s *LocalStorage) Ready() <-chan struct{} { return s.ready }

// Run implements Part. The driver runs for as long as its loops do.
func (s *LocalStorage) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	serves := make(chan struct{})
	parts.Go(func() error { return s.driver.Run(ctx, func() { close(serves) }) })
	parts.Go(func() error {
		select {
		case <-serves:
			return s.runLoops(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return parts.Wait()
}

// runLoops runs the loops, which know the driver as they would know anybody's: by its socket.
func (s *LocalStorage) runLoops(ctx context.Context) (err error) {
	d, end, err := driver.Dial(ctx, s.driver.Socket(), s.node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	loops, err := NewStorage(s.cluster, d, s.inspect)
	if err != nil {
		return fmt.Errorf("making the loops of %s: %w", d.Name, err)
	}
	return Run(ctx, loops, func() { close(s.ready) })
}
