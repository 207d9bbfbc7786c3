package podcontrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrMismatch says why no pods are made whom their owner would not select. The words are those of the API server, which lets no such owner
// in; one that came past it would make pods without end.
var ErrMismatch = errors.New("`selector` does not match template `labels`")

// Selects reports whether an owner would select the pods of its template. Where it would not, nothing is to be done for it, not even a
// revision be made, which it would let go as well: the owner is told, once.
func Selects(p *plan.Plan, owner client.Object, selector *metav1.LabelSelector, template *corev1.PodTemplateSpec) bool {
	if ownership.Selects(selector, &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Labels: template.Labels}}) {
		return true
	}
	p.EventOnce(owner, plan.Warning, ReasonFailedCreate, "Error creating: %s", ErrMismatch)
	p.Because(ErrMismatch.Error())
	return false
}

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
