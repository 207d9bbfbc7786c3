package garbagecollector

import (
	"context"
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// confirm asks the API server whether owners that have not been seen are gone. If one is not, the graph is behind, and the
// rest of the plan must not be carried out.
type confirm struct{ owners []owner }

func (s *confirm) Verb() string { return "confirm" }
func (s *confirm) Why() string  { return "" }

func (s *confirm) String() string {
	names := make([]string, len(s.owners))
	for i, owner := range s.owners {
		names[i] = owner.Kind + " " + owner.Name
	}
	return "confirm that the API server has no " + strings.Join(names, ", ")
}

func (s *confirm) Do(ctx context.Context, act plan.Actor) error {
	for _, owner := range s.owners {
		gone, err := isGone(ctx, act.Live(), owner)
		switch {
		case meta.IsNoMatchError(err):
			return plan.Wait(later, fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err))
		case err != nil:
			return fmt.Errorf("asking for owner %s %s: %w", owner.Kind, owner.Name, err)
		case !gone:
			return plan.Wait(soon, fmt.Errorf("owner %s %s exists, and has not been seen yet", owner.Kind, owner.Name))
		}
	}
	return nil
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
