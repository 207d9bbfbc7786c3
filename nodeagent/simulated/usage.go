package simulated

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Usage is how much of a resource a container uses while it runs: one level after the other, each from some time after its start on,
// in their order. Before the first level it uses nothing.
type Usage []Level

// Level is what is used from After on: nanocores of CPU, or bytes of memory.
type Level struct {
	After  time.Duration
	Amount int64
}

// What a container uses that is told nothing else. Metrics collectors take one that uses nothing for one that was not measured.
var (
	defaultCPU    = Usage{{Amount: 1e6}}
	defaultMemory = Usage{{Amount: 1 << 20}}
)

// What a node uses by itself.
const (
	nodeCPU    = 10e6 // nanocores
	nodeMemory = 100 << 20
)

// parseUsage reads levels such as "50m, 30s: 800m, 2m: 50m": 50m from the start on, 800m after 30 s, and 50m again after 2 min.
func parseUsage(text string, scale resource.Scale) (Usage, error) {
	var usage Usage
	for each := range strings.SplitSeq(text, ",") {
		after, amount, timed := strings.Cut(each, ":")
		level := Level{}
		if !timed {
			amount = after
		} else {
			var err error
			if level.After, err = time.ParseDuration(strings.TrimSpace(after)); err != nil {
				return nil, err
			}
		}
		quantity, err := resource.ParseQuantity(strings.TrimSpace(amount))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(amount), err)
		}
		level.Amount = quantity.ScaledValue(scale)
		if last := len(usage) - 1; level.Amount < 0 || level.After < 0 || last >= 0 && level.After <= usage[last].After {
			return nil, fmt.Errorf("%q: want amounts of at least 0, each from later on than the one before", strings.TrimSpace(each))
		}
		usage = append(usage, level)
	}
	return usage, nil
}

// at is what is used so long after the start.
func (u Usage) at(elapsed time.Duration) (amount int64) {
	for _, level := range u {
		if level.After > elapsed {
			break
		}
		amount = level.Amount
	}
	return amount
}

// sum is what was used until then, in amounts times seconds: nanoseconds, where the amounts are nanocores.
func (u Usage) sum(elapsed time.Duration) (sum float64) {
	for i, level := range u {
		end := elapsed
		if i+1 < len(u) {
			end = min(end, u[i+1].After)
		}
		if end > level.After {
			sum += float64(level.Amount) * (end - level.After).Seconds()
		}
	}
	return sum
}

func (u Usage) or(otherwise Usage) Usage {
	if len(u) == 0 {
		return otherwise
	}
	return u
}

// lived is for how long the container has run. The lock is held.
func (c *container) lived(now time.Time) time.Duration {
	switch {
	case c.started.IsZero():
		return 0
	case c.state == runtimeapi.ContainerState_CONTAINER_EXITED:
		return c.finished.Sub(c.started)
	default:
		return now.Sub(c.started)
	}
}

// cpu is how many nanoseconds of CPU time the container has used.
func (c *container) cpu(now time.Time) float64 {
	return c.stages.CPU.or(defaultCPU).sum(c.lived(now))
}

// memory is how many bytes the container uses while it runs.
func (c *container) memory(now time.Time) int64 {
	return c.stages.Memory.or(defaultMemory).at(c.lived(now))
}

// ListContainerStats tells what containers use, as their stages say. Those that do not run use nothing, and that is not told.
func (r *Runtime) ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	now := r.clock.Now()
	var found []*runtimeapi.ContainerStats
	for _, c := range r.containers {
		if !matches(filter.GetLabelSelector(), c.config.GetLabels()) ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.sandbox.id || filter.GetId() != "" && filter.GetId() != c.id {
			continue
		}
		found = append(found, c.stats(now))
	}
	return found, nil
}

func (c *container) stats(now time.Time) *runtimeapi.ContainerStats {
	stats := &runtimeapi.ContainerStats{Attributes: &runtimeapi.ContainerAttributes{
		Id: c.id, Metadata: c.config.GetMetadata(), Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
	}}
	if c.state != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return stats
	}
	cores, memory := c.stages.CPU.or(defaultCPU).at(c.lived(now)), uint64(c.memory(now))
	stats.Cpu = &runtimeapi.CpuUsage{
		Timestamp: now.UnixNano(), UsageCoreNanoSeconds: value(uint64(c.cpu(now))), UsageNanoCores: value(uint64(cores)),
	}
	stats.Memory = &runtimeapi.MemoryUsage{
		Timestamp: now.UnixNano(), WorkingSetBytes: value(memory), UsageBytes: value(memory), RssBytes: value(memory),
	}
	return stats
}

func value(v uint64) *runtimeapi.UInt64Value { return &runtimeapi.UInt64Value{Value: v} }

// Used is what the node has used since it began, in nanoseconds of CPU time, and the bytes of memory that it uses: all of its
// containers together, those that are gone as well, and a little by itself.
func (r *Runtime) Used() (cpu, memory uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endDue()
	now := r.clock.Now()
	spent, bytes := r.spent+nodeCPU*now.Sub(r.began).Seconds(), int64(nodeMemory)
	for _, c := range r.containers {
		spent += c.cpu(now)
		if c.state == runtimeapi.ContainerState_CONTAINER_RUNNING {
			bytes += c.memory(now)
		}
	}
	return uint64(spent), uint64(bytes)
}

// Began is when the node began.
func (r *Runtime) Began() time.Time { return r.began }

// forget removes a container that has ended, and remembers what it has used. The lock is held.
func (r *Runtime) forget(c *container) {
	r.spent += c.cpu(r.clock.Now())
	delete(r.containers, c.id)
}
