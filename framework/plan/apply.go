package plan

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Apply applies a configuration server-side.
type Apply struct {
	config runtime.ApplyConfiguration
	why    string
}

// Config is what is applied.
func (s *Apply) Config() runtime.ApplyConfiguration { return s.config }

// Verb is "apply".
func (s *Apply) Verb() string { return "apply" }

// Why is the reason that was given.
func (s *Apply) Why() string { return s.why }

func (s *Apply) String() string { return fmt.Sprintf("apply %s", appliedName(s.config)) }

// Do applies the configuration.
func (s *Apply) Do(ctx context.Context, act Actor) error {
	if err := act.Apply(ctx, s.config, act.FieldOwner(), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s: %w", appliedName(s.config), err)
	}
	return nil
}
