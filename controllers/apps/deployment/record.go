package deployment

import (
	"context"
	"fmt"
	"strconv"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// revise plans to record the revision on the Deployment, for kubectl rollout.
func (r *rollout) revise(p *plan.Plan, n int64) {
	if number := strconv.FormatInt(n, 10); n > 0 && r.d.Annotations[revisionAnnotation] != number {
		p.Do(&recordRevision{d: r.d, number: number})
	}
}

// recordRevision is the step that writes a revision on a Deployment.
//
// The status subresource of a built-in Deployment keeps annotations, and a write to it is no new generation; a write
// to the Deployment itself would be one, though its spec is the same. With custom resources it is the other way
// round: their status subresource drops annotations, and annotations are no new generation. So the step looks whether
// the first way did it.
type recordRevision struct {
	d      *oappsv1.Deployment
	number string
}

func (s *recordRevision) Verb() string { return "annotate" }
func (s *recordRevision) Why() string  { return "its new ReplicaSet has this revision" }
func (s *recordRevision) String() string {
	return fmt.Sprintf("annotate Deployment %s/%s with revision %s", s.d.Namespace, s.d.Name, s.number)
}

func (s *recordRevision) Do(ctx context.Context, act plan.Actor) error {
	revised, patch := s.patch(act)
	if err := act.Status().Patch(ctx, revised, patch, act.FieldOwner()); err != nil {
		return fmt.Errorf("recording a revision with the status of Deployment %s/%s: %w", s.d.Namespace, s.d.Name, err)
	}
	if revised.Annotations[revisionAnnotation] == s.number {
		return nil
	}
	revised, patch = s.patch(act)
	if err := act.Patch(ctx, revised, patch, act.FieldOwner()); err != nil {
		return fmt.Errorf("recording a revision on Deployment %s/%s: %w", s.d.Namespace, s.d.Name, err)
	}
	return nil
}

// patch is the Deployment with its revision, and the patch that makes it so, locked to what was last seen of it.
func (s *recordRevision) patch(act plan.Actor) (*oappsv1.Deployment, client.Patch) {
	revised := s.d.DeepCopy()
	annotate(revised, revisionAnnotation, s.number)
	return revised, plan.Locked(act, s.d, revised)
}
