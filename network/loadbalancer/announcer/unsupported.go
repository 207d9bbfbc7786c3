//go:build !linux

package announcer

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/engine"
)

var errNotLinux = errors.New("announcing load balancers' addresses needs Linux")

// Announcer cannot be used here.
type Announcer struct{}

// New makes one that announces nothing.
func New(Options, client.Reader) *Announcer { return &Announcer{} }

// SetupWithManager says that there is no announcing here.
func (*Announcer) SetupWithManager(manager.Manager) error { return errNotLinux }

// Sync is never called.
func (*Announcer) Sync(context.Context) error { return errNotLinux }

// Close is never called.
func (*Announcer) Close() error { return nil }

// Inspector is never called.
func (*Announcer) Inspector() engine.Inspector { return nil }
