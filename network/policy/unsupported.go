//go:build !linux

package policy

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/engine"
)

var errNotLinux = errors.New("network policies need Linux: choose the simulated runtime with --runtime simulated")

// Enforcer cannot be made here.
type Enforcer struct{}

// New says that there is no enforcer here.
func New(Options, client.Reader) (*Enforcer, error) { return nil, errNotLinux }

// SetupWithManager is never called.
func (*Enforcer) SetupWithManager(manager.Manager) error { return errNotLinux }

// Sync is never called.
func (*Enforcer) Sync(context.Context) error { return errNotLinux }

// Remove is never called.
func (*Enforcer) Remove(context.Context) error { return errNotLinux }

// Inspector is never called.
func (*Enforcer) Inspector() engine.Inspector { return nil }
