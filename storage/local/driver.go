package local

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// Name is what the driver is called: by StorageClasses, volumes and node agents.
const Name = "local.storage.orrery.dev"

// TopologyKey is the label of nodes by which a volume says where it can be used; its value is the node's ID.
const TopologyKey = Name + "/node"

// Options configure a Driver. NodeID and Dir are required.
type Options struct {
	// NodeID is the name of the node.
	NodeID string
	// Dir is the directory of the node agent, in which it has its folders plugins and plugins_registry.
	Dir string
	// Version is what the driver says its version is.
	Version string
	Log     logr.Logger
}

// Driver is the driver of one node.
type Driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer

	options    Options
	store      *store.Store
	operations operations
}

// New makes the driver of a node, which continues with the volumes that are there.
func New(o Options) (*Driver, error) {
	d := &Driver{options: o}
	var err error
	d.store, err = store.Open(d.dir())
	return d, err
}

func (d *Driver) dir() string { return filepath.Join(d.options.Dir, "plugins", Name) }

// Socket is where the driver's services are.
func (d *Driver) Socket() string { return filepath.Join(d.dir(), "csi.sock") }

func (d *Driver) registration() string {
	return filepath.Join(d.options.Dir, "plugins_registry", Name+"-reg.sock")
}

// Run serves until ctx ends, which is no error, and calls ready when it does.
func (d *Driver) Run(ctx context.Context, ready func()) error {
	services := grpc.NewServer()
	csi.RegisterIdentityServer(services, d)
	csi.RegisterControllerServer(services, d)
	csi.RegisterNodeServer(services, d)
	registration := grpc.NewServer()
	registrationv1.RegisterRegistrationServer(registration, registrar{driver: d})

	serving, ctx := errgroup.WithContext(ctx)
	driver, err := listen(ctx, d.Socket())
	if err != nil {
		return err
	}
	registry, err := listen(ctx, d.registration()) // last: who finds it asks the services
	if err != nil {
		return errors.Join(err, driver.Close())
	}
	serving.Go(func() error { return serve(ctx, services, driver) })
	serving.Go(func() error { return serve(ctx, registration, registry) })
	serving.Go(func() error {
		if err := d.store.Wipe(); err != nil { // what was deleted before a restart
			d.options.Log.Error(err, "Deleted volumes are not wiped")
		}
		return nil
	})
	ready()
	return serving.Wait()
}
