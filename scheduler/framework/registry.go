package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
)

// Factory builds a plugin for one profile. args are the plugin's arguments: of the type NAMEArgs where
// k8s.io/kube-scheduler/config/v1 has one, otherwise *runtime.Unknown with what the user wrote, or nil. The type is the
// same as kube-scheduler's, so its plugins' constructors fit.
type Factory = func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error)

// Registry knows how to build each plugin, by name.
type Registry map[string]Factory

// Register adds a plugin. Its name must be new.
func (r Registry) Register(name string, factory Factory) error {
	switch {
	case name == "":
		return fmt.Errorf("registering a plugin: it has no name")
	case factory == nil:
		return fmt.Errorf("registering plugin %q: its factory is nil", name)
	case r[name] != nil:
		return fmt.Errorf("registering plugin %q: a plugin of that name exists already", name)
	}
	r[name] = factory
	return nil
}

// Names returns the names of all plugins, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
