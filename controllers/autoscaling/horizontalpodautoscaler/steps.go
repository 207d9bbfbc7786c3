package horizontalpodautoscaler

import (
	"context"
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// paced is a step that, when it fails, is tried again in the next turn of its autoscaler. After a conflict everything is decided anew
// at once.
type paced struct {
	*plan.Scale
	period time.Duration
}

// Do takes the step.
func (s paced) Do(ctx context.Context, act plan.Actor) error {
	err := s.Scale.Do(ctx, act)
	if apierrors.IsConflict(err) {
		return err
	}
	return plan.Wait(s.period, err)
}
