package ttlafterfinished

import (
	"context"
	"time"

	obatchv1 "github.com/orrery-dev/orrery/apis/batch/v1"
	"github.com/orrery-dev/orrery/controllers/internal/jobstatus"
	"github.com/orrery-dev/orrery/framework/loop"
)

// world is what is known of a Job besides its spec.
type world struct {
	// finished is when it was over; zero while it is not.
	finished time.Time
}

// Observe reads when the Job was over.
func (Controller) Observe(_ context.Context, _ loop.View, job *obatchv1.Job) (world, error) {
	return world{finished: jobstatus.FinishedAt(job)}, nil
}
