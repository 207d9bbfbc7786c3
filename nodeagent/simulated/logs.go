package simulated

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

var _ cri.LogReader = (*Runtime)(nil)

// ReadLog writes what a simulated container has to say: when it started, and how it ended. Following one that runs waits
// until it ends.
func (r *Runtime) ReadLog(ctx context.Context, id string, options *corev1.PodLogOptions, out io.Writer) error {
	written := 0
	for {
		lines, running, err := r.lines(id)
		if err != nil {
			return err
		}
		first := written
		if tail := options.TailLines; tail != nil && written == 0 {
			first = max(0, len(lines)-int(*tail))
		}
		for _, line := range lines[first:] {
			text := line.text
			if options.Timestamps {
				text = line.at.UTC().Format(time.RFC3339Nano) + " " + text
			}
			if _, err := fmt.Fprintln(out, text); err != nil {
				return err
			}
		}
		written = len(lines)
		if !options.Follow || !running {
			return nil
		}
		timer := r.clock.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		}
	}
}

type line struct {
	at   time.Time
	text string
}

func (r *Runtime) lines(id string) ([]line, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	c, ok := r.containers[id]
	if !ok {
		return nil, false, notFound(id)
	}
	var lines []line
	if !c.started.IsZero() {
		lines = append(lines, line{c.started, fmt.Sprintf("simulated: %s runs %s", c.config.GetMetadata().GetName(), c.config.GetImage().GetUserSpecifiedImage())})
	}
	if !c.finished.IsZero() {
		lines = append(lines, line{c.finished, fmt.Sprintf("simulated: %s ended with exit code %d", c.config.GetMetadata().GetName(), c.exitCode)})
	}
	return lines, c.finished.IsZero(), nil
}
