package framework

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

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

// A goroutine is worth starting for this many pieces of work, which are some microseconds each. Pieces are handed out in
// chunks.
const (
	piecesWorthAGoroutine = 64
	piecesInAChunk        = 16
)

// Compute calls work for 0 to pieces-1 until one call returns false or ctx ends; then the chunks under way are finished.
// It is for work that waits for nothing: it uses no more goroutines than the setting, than there are processors, and than
// are worth it, which for a small piece of work is the caller's own.
func (f *Framework) Compute(ctx context.Context, pieces int, operation string, work func(piece int) bool) {
	workers := min(int(f.parallel), runtime.GOMAXPROCS(0), (pieces+piecesWorthAGoroutine-1)/piecesWorthAGoroutine)
	var next atomic.Int64
	var ended atomic.Bool
	run := func() {
		for !ended.Load() && ctx.Err() == nil {
			from := int(next.Add(piecesInAChunk)) - piecesInAChunk
			if from >= pieces {
				return
			}
			for piece := from; piece < min(from+piecesInAChunk, pieces); piece++ {
				if !work(piece) {
					ended.Store(true)
				}
			}
		}
	}
	if workers <= 1 {
		run()
		return
	}
	running := metrics.Goroutines.WithLabelValues(operation)
	running.Add(float64(workers))
	defer running.Sub(float64(workers))
	var all sync.WaitGroup
	for range workers - 1 {
		all.Go(run)
	}
	run()
	all.Wait()
}
