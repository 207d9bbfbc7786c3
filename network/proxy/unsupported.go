//go:build !linux

package proxy

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/engine"
)

var errNotLinux = errors.New("the service proxy needs Linux: choose the simulated runtime with --runtime simulated")

// Proxy cannot be made here.
type Proxy struct{}

// New says that there is no service proxy here.
func New(Options, client.Reader) (*Proxy, error) { return nil, errNotLinux }

// SetupWithManager is never called.
func (*Proxy) SetupWithManager(manager.Manager) error { return errNotLinux }

// Sync is never called.
func (*Proxy) Sync(context.Context) error { return errNotLinux }

// Remove is never called.
func (*Proxy) Remove(context.Context) error { return errNotLinux }

// Inspector is never called.
func (*Proxy) Inspector() engine.Inspector { return nil }
