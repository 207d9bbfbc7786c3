package framework

import (
	"context"
	"math"

	"k8s.io/client-go/util/workqueue"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// parallelizer is the number of goroutines that one piece of work is spread over.
type parallelizer int

// Until calls work for 0 to pieces-1, in chunks, on as many goroutines as are worth it, and returns when all are done or
// ctx has ended and the chunks under way are finished. operation labels the goroutines in the metrics.
func (p parallelizer) Until(ctx context.Context, pieces int, work workqueue.DoWorkPieceFunc, operation string) {
	if pieces == 0 {
		return
	}
	chunk := max(1, min(int(math.Sqrt(float64(pieces))), pieces/int(p)+1))
	workers := min(int(p), (pieces+chunk-1)/chunk)
	running := metrics.Goroutines.WithLabelValues(operation)
	running.Add(float64(workers))
	defer running.Sub(float64(workers))
	workqueue.ParallelizeUntil(ctx, int(p), pieces, work, workqueue.WithChunkSize(chunk))
}
