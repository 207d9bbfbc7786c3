package stats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/ephemeral"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/rounds"
)

const (
	// claimsEvery is how often the volumes of claims are measured; the kubelet's figure.
	claimsEvery = time.Minute
	// claimPatience is how long one of them may take. Nobody who asks for figures waits for that.
	claimPatience = 10 * time.Second
)

// Claims measures the volumes of claims now and then, and tells what it found last. It is a prometheus.Collector.
type Claims struct {
	// Pods are those of the node.
	Pods func() []*corev1.Pod
	// Measure measures a volume of a pod; nil where that has no figures.
	Measure func(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*statsv1alpha1.FsStats, error)
	Clock   clock.Clock
	Log     logr.Logger

	mu       sync.Mutex
	measured map[types.UID][]statsv1alpha1.VolumeStats
}

var _ prometheus.Collector = (*Claims)(nil)

// Run measures until ctx ends.
func (c *Claims) Run(ctx context.Context) {
	rounds.Rounds{Every: claimsEvery, What: "Measuring the volumes of claims", Clock: c.Clock, Log: c.Log}.Run(ctx, c.Round)
}

// Round measures once. What cannot be measured has no figures, and is in the error.
func (c *Claims) Round(ctx context.Context) error {
	measured := map[types.UID][]statsv1alpha1.VolumeStats{}
	var errs []error
	for _, pod := range c.Pods() {
		for i := range pod.Spec.Volumes {
			volume := &pod.Spec.Volumes[i]
			claim := claimOf(pod, volume)
			if claim == "" {
				continue
			}
			figures, err := c.one(ctx, pod, volume)
			if err != nil {
				errs = append(errs, fmt.Errorf("measuring the volume of claim %s/%s: %w", pod.Namespace, claim, err))
			}
			if figures != nil {
				measured[pod.UID] = append(measured[pod.UID], statsv1alpha1.VolumeStats{
					Name: volume.Name, FsStats: *figures, PVCRef: &statsv1alpha1.PVCReference{Namespace: pod.Namespace, Name: claim},
				})
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measured = measured
	return errors.Join(errs...)
}

func (c *Claims) one(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*statsv1alpha1.FsStats, error) {
	ctx, cancel := context.WithTimeout(ctx, claimPatience)
	defer cancel()
	return c.Measure(ctx, pod, volume)
}

// claimOf is the name of the claim that a volume is of; "" for another volume.
func claimOf(pod *corev1.Pod, volume *corev1.Volume) string {
	switch {
	case volume.PersistentVolumeClaim != nil:
		return volume.PersistentVolumeClaim.ClaimName
	case volume.Ephemeral != nil:
		return ephemeral.VolumeClaimName(pod, volume)
	default:
		return ""
	}
}

// of are the figures of a pod's volumes. Nil has none.
func (c *Claims) of(uid types.UID) []statsv1alpha1.VolumeStats {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.measured[uid])
}

// claimMetric is a figure of a volume under the kubelet's name for it.
type claimMetric struct {
	description *prometheus.Desc
	value       func(*statsv1alpha1.FsStats) *uint64
}

func newClaimMetric(name, help string, value func(*statsv1alpha1.FsStats) *uint64) claimMetric {
	return claimMetric{prometheus.NewDesc("kubelet_volume_stats_"+name, help, []string{"namespace", "persistentvolumeclaim"}, nil), value}
}

var claimMetrics = []claimMetric{
	newClaimMetric("capacity_bytes", "Capacity in bytes of the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.CapacityBytes }),
	newClaimMetric("available_bytes", "Number of available bytes in the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.AvailableBytes }),
	newClaimMetric("used_bytes", "Number of used bytes in the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.UsedBytes }),
	newClaimMetric("inodes", "Maximum number of inodes in the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.Inodes }),
	newClaimMetric("inodes_free", "Number of free inodes in the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.InodesFree }),
	newClaimMetric("inodes_used", "Number of used inodes in the volume", func(s *statsv1alpha1.FsStats) *uint64 { return s.InodesUsed }),
}

// Describe implements prometheus.Collector.
func (c *Claims) Describe(to chan<- *prometheus.Desc) {
	for _, m := range claimMetrics {
		to <- m.description
	}
}

// Collect implements prometheus.Collector. A claim that several pods have is told once, and what is not known is left out.
func (c *Claims) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := map[statsv1alpha1.PVCReference]bool{}
	for _, volumes := range c.measured {
		for i := range volumes {
			claim := *volumes[i].PVCRef
			if told[claim] {
				continue
			}
			told[claim] = true
			for _, m := range claimMetrics {
				if value := m.value(&volumes[i].FsStats); value != nil {
					to <- prometheus.MustNewConstMetric(m.description, prometheus.GaugeValue, float64(*value), claim.Namespace, claim.Name)
				}
			}
		}
	}
}
