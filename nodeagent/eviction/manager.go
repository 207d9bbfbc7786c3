package eviction

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/rounds"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// monitoringInterval is how often pods are measured; the kubelet's figure.
const monitoringInterval = 10 * time.Second

// Runtime tells how much containers have written to their own file systems.
type Runtime interface {
	ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error)
}

// Disk says where on the disk things of a pod are.
type Disk interface {
	VolumePath(pod *corev1.Pod, volume *corev1.Volume) string
	ContainerLogs(pod *corev1.Pod, container string) string
}

// Manager holds the limits of the pods of one node.
type Manager struct {
	// Agent is the mark of this node's containers.
	Agent   string
	Runtime Runtime
	Disk    Disk
	// Pods are those of the node, with their newest statuses.
	Pods func() []*corev1.Pod
	// Evict ends a pod.
	Evict func(uid types.UID, message string)
	Clock clock.Clock
	Log   logr.Logger
}

// Run measures now and then, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	rounds.Rounds{Every: monitoringInterval, What: "Measuring the local storage of pods", Clock: m.Clock, Log: m.Log}.Run(ctx, m.Measure)
}

// Measure measures the pods that have limits once, and evicts those that exceed them.
func (m *Manager) Measure(ctx context.Context) error {
	var pods []*corev1.Pod
	for _, pod := range m.Pods() {
		if limited(pod) && pod.DeletionTimestamp == nil && !status.Terminal(pod.Status.Phase) {
			pods = append(pods, pod)
		}
	}
	if len(pods) == 0 {
		return nil
	}
	measured, err := m.Runtime.ListContainerStats(ctx, &runtimeapi.ContainerStatsFilter{LabelSelector: map[string]string{cri.LabelAgent: m.Agent}})
	if err != nil {
		return fmt.Errorf("asking the runtime what containers have written: %w", err)
	}
	layers := map[types.UID]map[string]int64{}
	for _, s := range measured {
		labels := s.GetAttributes().GetLabels()
		uid := types.UID(labels[cri.LabelPodUID])
		if layers[uid] == nil {
			layers[uid] = map[string]int64{}
		}
		layers[uid][labels[cri.LabelContainerName]] += int64(s.GetWritableLayer().GetUsedBytes().GetValue())
	}
	for _, pod := range pods {
		if message := Exceeded(pod, m.usage(pod, layers[pod.UID])); message != "" {
			m.Evict(pod.UID, message)
		}
	}
	return nil
}

// occupied is how many bytes of the disk a directory takes.
func occupied(dir string) int64 {
	bytes, _ := stats.Occupied(dir)
	return bytes
}

func (m *Manager) usage(pod *corev1.Pod, layers map[string]int64) Usage {
	used := Usage{EmptyDirs: map[string]int64{}, Containers: map[string]int64{}}
	for i := range pod.Spec.Volumes {
		if volume := &pod.Spec.Volumes[i]; onDisk(volume) {
			used.EmptyDirs[volume.Name] = occupied(m.Disk.VolumePath(pod, volume))
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			used.Containers[list[i].Name] = layers[list[i].Name] + occupied(m.Disk.ContainerLogs(pod, list[i].Name))
		}
	}
	return used
}
