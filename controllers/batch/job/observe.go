package job

import (
	"context"
	"slices"
	"strings"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/framework/loop"
)

// world is what a Job has, and what it might have.
type world struct {
	// claims are its pods by name, ended or not, and those that it is about to adopt or release.
	claims ownership.Claims[*ocorev1.Pod]
}

// Observe reads the pods that the Job controls and those that it could adopt.
func (Controller) Observe(ctx context.Context, view loop.View, job *obatchv1.Job) (world, error) {
	claims, err := ownership.Observe[*ocorev1.Pod](ctx, view, job, selectorOf(job), &ocorev1.PodList{})
	slices.SortFunc(claims.Held, func(a, b *ocorev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return world{claims}, err
}
