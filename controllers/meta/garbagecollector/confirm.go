package garbagecollector

import (
	"context"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// areGone asks the API server whether owners that have not been seen are gone. If one is not, the graph is behind: the error says
// to look again soon. Those that are gone are remembered, so that of a thousand dependents one asks.
func (c Controller) areGone(owners []owner) func(ctx context.Context, live client.Reader) error {
	return func(ctx context.Context, live client.Reader) error {
		for _, owner := range owners {
			gone, err := isGone(ctx, live, owner)
			switch {
			case meta.IsNoMatchError(err):
				return plan.Wait(later, fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err))
			case err != nil:
				return fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err)
			case !gone:
				return plan.Wait(soon, fmt.Errorf("owner %s %s exists, and has not been seen yet", owner.Kind, owner.Name))
			}
			if !owner.elsewhere { // of which each dependent is told
				c.known.bury(owner.UID, owner.at())
			}
		}
		return nil
	}
}

// isGone reads an owner from the API server and reports whether it is gone: not there, or another of its name.
func isGone(ctx context.Context, live client.Reader, o owner) (bool, error) {
	seen := metadataOf(o.kind)
	err := live.Get(ctx, o.at().ObjectKey, seen)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil && seen.UID != o.UID, err
}
