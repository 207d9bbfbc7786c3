package eviction

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// Runtime tells how much containers have written to their own file systems.
type Runtime interface {
	ListContainerStats(ctx context.Context, filter *runtimeapi.ContainerStatsFilter) ([]*runtimeapi.ContainerStats, error)
}

// Disk says where on the disk things of a pod are.
type Disk interface {
	VolumePath(pod *corev1.Pod, volume *corev1.Volume) string
	ContainerLogs(pod *corev1.Pod, container string) string
}

// Stats measures the node.
type Stats interface {
	// NodeStats measures the node itself, and finds out how its disks are.
	NodeStats(ctx context.Context) (*statsv1alpha1.NodeStats, stats.Layout, error)
	// Summary measures its pods as well, with what they have on the disk.
	Summary(ctx context.Context) (*statsv1alpha1.Summary, error)
}

// Reclaim gives up what the node can do without.
type Reclaim interface {
	// DeleteAllUnusedContainers removes containers of pods that are over.
	DeleteAllUnusedContainers(ctx context.Context) error
	// DeleteUnusedImages removes images that nobody uses.
	DeleteUnusedImages(ctx context.Context) error
}

// Options are what a Manager needs. All must be set.
type Options struct {
	Settings Settings
	// EnforceAllocatable: the memory of all pods together is limited, and so it can run short by itself.
	EnforceAllocatable bool
	// Agent is the mark of this node's containers.
	Agent   string
	Runtime Runtime
	Disk    Disk
	Stats   Stats
	Reclaim Reclaim
	// Pods are those of the node, with their newest statuses.
	Pods func() []*corev1.Pod
	// Evict fails a pod and has its containers end; false, if it has failed already.
	Evict func(uid types.UID, e pods.Eviction) bool
	// Ended says whether no container of a pod runs any more.
	Ended func(uid types.UID) bool
	// PodEvent and NodeEvent record events about a pod, and about the node.
	PodEvent  func(pod *corev1.Pod, annotations map[string]string, kind, reason, message string)
	NodeEvent func(kind, reason, message string)
	Clock     clock.WithTickerAndDelayedExecution
	Log       logr.Logger
}

// Manager evicts the pods of one node.
type Manager struct {
	Options
	config config
	engine *engine.Engine[engine.One, World, *Manager]

	mu         sync.Mutex
	conditions []corev1.NodeConditionType
}

var _ engine.Loop[engine.One, World, *Manager] = (*Manager)(nil)

// New refuses settings that the kubelet refuses.
func New(o Options) (*Manager, error) {
	parsed, err := o.Settings.parse()
	if err != nil {
		return nil, err
	}
	if o.EnforceAllocatable {
		parsed.thresholds = withAllocatable(parsed.thresholds)
	}
	m := &Manager{Options: o, config: parsed}
	m.engine = engine.New(m, engine.Options[engine.One]{
		Name: "eviction", Clock: o.Clock, Registerer: metrics.Registry, Log: o.Log, LongestBackOff: monitoringInterval,
	})
	return m, nil
}

// withAllocatable adds the threshold of the memory of all pods, which is that of the node's.
func withAllocatable(thresholds []Threshold) []Threshold {
	for _, t := range thresholds {
		if t.Signal == memoryAvailable && t.Hard() {
			t.Signal = allocatableMemory
			return append(thresholds, t)
		}
	}
	return thresholds
}

// Run measures and evicts until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	m.engine.Wake(engine.One{})
	m.engine.Run(ctx)
}

// Plan decides what to do next.
func (m *Manager) Plan(_ engine.One, w World, now time.Time) *engine.Plan[*Manager] {
	return decide(&w, now)
}

// Actor is the manager itself.
func (m *Manager) Actor(engine.One, World, engine.Turn) *Manager { return m }

// Inspector shows what would be done next, and what was done last.
func (m *Manager) Inspector() engine.Inspector { return engine.Inspect(m.engine, engine.ParseOne) }

// Conditions are the node conditions that hold, of MemoryPressure, DiskPressure and PIDPressure.
func (m *Manager) Conditions() []corev1.NodeConditionType {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.conditions)
}

func (m *Manager) set(conditions []corev1.NodeConditionType) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions = conditions
}
