package csi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// Node is where the control plane is told of drivers.
type Node interface {
	// Install says that the node has a driver.
	Install(ctx context.Context, driver string, info Info) error
	// Uninstall says that it has it no more.
	Uninstall(ctx context.Context, driver string) error
}

// Drivers are the CSI drivers of a node. They are safe for concurrent use.
type Drivers struct {
	// Patience is how long a driver is awaited that is not there: those of a node that was just started are about to register.
	Patience time.Duration
	node     Node

	mu     sync.Mutex
	byName map[string]*Driver
	// changed is closed when a driver comes or goes, and another one takes its place.
	changed chan struct{}
}

// patience is for drivers that register within a few looks of their directory.
const patience = 5 * time.Second

var _ plugins.Handler = (*Drivers)(nil)

// NewDrivers returns none. What is registered later is told to the node.
func NewDrivers(node Node) *Drivers {
	return &Drivers{node: node, Patience: patience, byName: map[string]*Driver{}, changed: make(chan struct{})}
}

// Driver is a driver that is registered. That there is none is an error in the kubelet's words.
func (d *Drivers) Driver(name string) (*Driver, error) {
	if driver := d.driver(name); driver != nil {
		return driver, nil
	}
	return nil, fmt.Errorf("driver name %s not found in the list of registered CSI drivers", name)
}

// Await is Driver for who can wait a little.
func (d *Drivers) Await(ctx context.Context, name string) (*Driver, error) {
	waited := time.After(d.Patience)
	for {
		changed := d.change()
		driver, err := d.Driver(name)
		if err == nil {
			return driver, nil
		}
		select {
		case <-changed:
		case <-waited:
			return nil, err
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (d *Drivers) change() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *Drivers) driver(name string) *Driver {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byName[name]
}

// Register implements plugins.Handler. Of two drivers of one name the one that was there stays, unless the other speaks a newer CSI.
func (d *Drivers) Register(ctx context.Context, plugin plugins.Plugin) error {
	speaks, err := newest(plugin)
	if err != nil {
		return err
	}
	if had := d.driver(plugin.Name); had != nil && !had.version.LessThan(speaks) {
		return fmt.Errorf("registering CSI driver %q: another driver with the same name is already registered with a higher supported version: %q",
			plugin.Name, had.version)
	}
	driver, err := connect(plugin.Name, plugin.Endpoint, speaks)
	if err != nil {
		return err
	}
	info, err := driver.Info(ctx)
	if err == nil {
		err = d.node.Install(ctx, plugin.Name, info)
	}
	if err != nil {
		driver.close()
		return err
	}
	d.replace(plugin.Name, driver)
	return nil
}

// Deregister implements plugins.Handler. A driver that another one has taken the place of is gone already.
func (d *Drivers) Deregister(ctx context.Context, plugin plugins.Plugin) error {
	had := d.driver(plugin.Name)
	if had == nil || had.endpoint != plugin.Endpoint {
		return nil
	}
	if err := d.node.Uninstall(ctx, plugin.Name); err != nil {
		return err
	}
	d.replace(plugin.Name, nil)
	return nil
}

// replace has a driver take the place of the one of its name; nil leaves none.
func (d *Drivers) replace(name string, driver *Driver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.changed)
	d.changed = make(chan struct{})
	if had := d.byName[name]; had != nil {
		had.close()
	}
	if driver == nil {
		delete(d.byName, name)
		return
	}
	d.byName[name] = driver
}

// newest is the highest version of CSI 1 that a plugin speaks.
func newest(plugin plugins.Plugin) (*version.Version, error) {
	speaks, err := version.HighestSupportedVersion(plugin.Versions)
	if err != nil {
		return nil, fmt.Errorf("registering CSI driver %q: none of the versions specified [%s] are supported: %w",
			plugin.Name, strings.Join(plugin.Versions, ", "), err)
	}
	return speaks, nil
}
