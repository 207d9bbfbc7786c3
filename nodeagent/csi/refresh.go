package csi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/rounds"
)

// refreshEvery is how often it is looked which drivers are to be asked again; no driver can want that more often.
const refreshEvery = 10 * time.Second

// Definitions reads CSIDrivers.
type Definitions interface {
	// CSIDriver is the CSIDriver of a name; nil if there is none.
	CSIDriver(ctx context.Context, name string) (*storagev1.CSIDriver, error)
}

// Refresher asks drivers again how many volumes the node can have, as often as their CSIDrivers want that
// (nodeAllocatableUpdatePeriodSeconds), and tells the control plane.
type Refresher struct {
	Drivers     *Drivers
	Definitions Definitions
	Clock       clock.Clock
	Log         logr.Logger

	asked map[string]time.Time
}

// Run works until ctx ends.
func (r *Refresher) Run(ctx context.Context) {
	rounds.Rounds{Every: refreshEvery, What: "Asking CSI drivers what they have room for", Clock: r.Clock, Log: r.Log}.Run(ctx, r.Round)
}

// Round asks those drivers whose time has come. Of a driver that is seen for the first time it has just been told.
func (r *Refresher) Round(ctx context.Context) error {
	now, asked := r.Clock.Now(), map[string]time.Time{}
	var errs []error
	for _, driver := range r.Drivers.all() {
		last, seen := r.asked[driver.name]
		if !seen {
			last = now
		}
		asked[driver.name] = last
		definition, err := r.Definitions.CSIDriver(ctx, driver.name)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading CSIDriver %s: %w", driver.name, err))
			continue
		}
		if definition == nil || definition.Spec.NodeAllocatableUpdatePeriodSeconds == nil {
			continue
		}
		if period := time.Duration(*definition.Spec.NodeAllocatableUpdatePeriodSeconds) * time.Second; now.Sub(last) < period {
			continue
		}
		asked[driver.name] = now
		if err := r.Drivers.refresh(ctx, driver); err != nil {
			errs = append(errs, fmt.Errorf("asking CSI driver %s again what node it is on: %w", driver.name, err))
		}
	}
	r.asked = asked
	return errors.Join(errs...)
}

// all are the drivers, in the order of their names.
func (d *Drivers) all() []*Driver {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []*Driver
	for _, name := range slices.Sorted(maps.Keys(d.byName)) {
		found = append(found, d.byName[name])
	}
	return found
}

// refresh tells the control plane what a driver says now.
func (d *Drivers) refresh(ctx context.Context, driver *Driver) error {
	info, err := driver.Info(ctx)
	if err != nil {
		return err
	}
	return d.node.Install(ctx, driver.name, info)
}
