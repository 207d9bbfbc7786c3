package differential

import (
	"context"
	"fmt"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// queues are the work queues of all controllers of both sides, which count what they hold and what is being worked on.
type queues struct {
	mu sync.Mutex
	// at is when each queue was empty last, and nothing of it was being worked on.
	at map[string]time.Time
	// lost is what each queue held when its controller was stopped, and is counted for ever.
	lost, now map[string]int
}

var queued = queues{at: map[string]time.Time{}, lost: map[string]int{}}

// watch looks at the queues until ctx ends.
func (q *queues) watch(ctx context.Context) error {
	look := time.NewTicker(120 * time.Millisecond) // to gather what they count is dear
	defer look.Stop()
	for {
		began := time.Now()
		now, err := unfinished()
		if err != nil {
			return err
		}
		q.note(now, began)
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (q *queues) note(now map[string]int, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.now = now
	for name, n := range now {
		if n <= q.lost[name] {
			q.at[name] = at
		}
	}
}

// stopped says that no controller runs: what is queued now is nobody's work.
func (q *queues) stopped() error {
	now, err := unfinished()
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost = now
	return nil
}

// emptySince reports whether each queue was empty at some time after at, or which was not.
func (q *queues) emptySince(at time.Time) (busy string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, n := range q.now {
		if !q.at[name].After(at) {
			return fmt.Sprintf("%s (%d)", name, n-q.lost[name]), false
		}
	}
	return "", true
}

// unfinished is how much there is in each queue, or has been taken from it and is being worked on.
func unfinished() (map[string]int, error) {
	families, err := metrics.Registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("reading what work queues count: %w", err)
	}
	counts := map[string]int{}
	add := func(m *dto.Metric, n int) {
		for _, label := range m.GetLabel() {
			if label.GetName() == "name" {
				counts[label.GetValue()] += n
			}
		}
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetName() {
			case "workqueue_depth":
				add(m, int(m.GetGauge().GetValue()))
			case "workqueue_queue_duration_seconds": // observed when something is taken
				add(m, int(m.GetHistogram().GetSampleCount()))
			case "workqueue_work_duration_seconds": // observed when it is done
				add(m, -int(m.GetHistogram().GetSampleCount()))
			}
		}
	}
	return counts, nil
}
