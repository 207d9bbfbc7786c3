//go:build !linux

package routes

import (
	"context"
	"errors"
	"net/netip"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/engine"
)

var errNotLinux = errors.New("routes to other nodes' pods need Linux: choose the simulated runtime with --runtime simulated")

// Routes keeps nothing here.
type Routes struct{}

// New is never called where there are no containers.
func New(Options, client.Reader) *Routes { return &Routes{} }

// SetupWithManager is never called.
func (*Routes) SetupWithManager(manager.Manager) error { return errNotLinux }

// Sync is never called.
func (*Routes) Sync(context.Context) error { return errNotLinux }

// Inspector is never called.
func (*Routes) Inspector() engine.Inspector { return nil }

// Remove finds nothing: there are no routes of ours.
func Remove(...netip.Prefix) error { return nil }

// Trim is never called.
func Trim(object any) (any, error) { return object, nil }
