package podcontrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrMismatch says why no pods are made whom their owner would not select. The words are those of the API server, which lets no such owner
// in; one that came past it would make pods without end.
var ErrMismatch = errors.New("`selector` does not match template `labels`")

// refusal is the step that makes no pods, and says why not.
type refusal struct {
	why   string
	owner client.Object
}

func (s *refusal) Verb() string { return "refuse" }

func (s *refusal) Why() string { return s.why + ", but " + ErrMismatch.Error() }

func (s *refusal) String() string {
	return fmt.Sprintf("refuse to create pods for %s", client.ObjectKeyFromObject(s.owner))
}

// Do tells the owner, once. Only somebody who changes it can help.
func (s *refusal) Do(_ context.Context, act plan.Actor) error {
	act.RecordOnce(failed(s.owner, ReasonFailedCreate, "Error creating: ")(nil, ErrMismatch))
	return plan.Stop(fmt.Errorf("creating pods for %s: %w", client.ObjectKeyFromObject(s.owner), ErrMismatch))
}
