package devices

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/checkpoint"
)

// Dir is the directory of the plugins' sockets, below the node's, and Socket the one in it at which they register.
const (
	Dir    = "device-plugins"
	Socket = "kubelet.sock"
)

// checkpointFile is what was given to whom, in the node's directory.
const checkpointFile = "devices.json"

// Options are what a Manager needs. Clock, Changed and Log may be left out.
type Options struct {
	// Root is the node's directory.
	Root string
	// Changed is told of a pod that has a device whose health has changed. It must not block.
	Changed func(pod types.UID)
	Clock   clock.PassiveClock
	Log     logr.Logger
}

// Manager knows the devices of plugins and who has them. It is safe for concurrent use.
type Manager struct {
	Options
	// streams are what is heard from plugins.
	streams sync.WaitGroup

	mu     sync.Mutex
	offers map[string]*offer
	given  book
	// closed: no plugin is connected any more.
	closed bool
}

// state is what is on the disk.
type state struct {
	// Resources are those that had plugins: until these are back, the node has none of it.
	Resources []string `json:"resources"`
	Pods      book     `json:"pods"`
}

// New returns a Manager that knows what was given before, and of no plugin yet. A checkpoint that cannot be read is logged, and is as if
// there was none, as with a kubelet: a node without its devices is worth more than none.
func New(options Options) *Manager {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	m := &Manager{Options: options, offers: map[string]*offer{}, given: book{}}
	var kept state
	if _, err := checkpoint.Read(m.checkpoint(), &kept); err != nil {
		m.Log.Error(err, "Continuing without knowing which devices were given to pods before")
		return m
	}
	for _, name := range kept.Resources {
		m.offers[name] = newOffer(m.Clock.Now())
	}
	if kept.Pods != nil {
		m.given = kept.Pods
	}
	return m
}

func (m *Manager) checkpoint() string { return filepath.Join(m.Root, checkpointFile) }

// keep writes down what was given. The lock is held.
func (m *Manager) keep() error {
	kept := state{Pods: m.given}
	for name, o := range m.offers {
		if o.gone.IsZero() || m.Clock.Since(o.gone) <= stopGracePeriod {
			kept.Resources = append(kept.Resources, name)
		}
	}
	slices.Sort(kept.Resources)
	return checkpoint.Write(m.checkpoint(), kept)
}

// Release takes back what a pod was given. None of its containers runs any more.
func (m *Manager) Release(pod types.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	had, has := m.given[string(pod)]
	if !has {
		return nil
	}
	delete(m.given, string(pod))
	if err := m.keep(); err != nil {
		m.given[string(pod)] = had // so that it is tried again
		return fmt.Errorf("taking back the devices of pod %s: %w", pod, err)
	}
	return nil
}

// Pods are the UIDs of those that have devices.
func (m *Manager) Pods() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.given))
}

// Given are the devices that a container has, by resource, each with the NUMA nodes that it was near to when it was given.
func (m *Manager) Given(pod types.UID, container string) map[string]map[string][]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	given := map[string]map[string][]int64{}
	for name, g := range m.given[string(pod)][container] {
		given[name] = maps.Clone(g.Devices)
	}
	return given
}

// Health is how the devices of a pod's containers are, by the containers' names: as their plugins told last. A device that no plugin told
// of is taken for healthy, as with a kubelet.
func (m *Manager) Health(pod *corev1.Pod) map[string][]corev1.ResourceStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	health := map[string][]corev1.ResourceStatus{}
	for container, grants := range m.given[string(pod.UID)] {
		for _, name := range slices.Sorted(maps.Keys(grants)) {
			s := corev1.ResourceStatus{Name: corev1.ResourceName(name), Resources: []corev1.ResourceHealth{}}
			for _, id := range grants[name].ids() {
				s.Resources = append(s.Resources, corev1.ResourceHealth{ResourceID: corev1.ResourceID(id), Health: m.health(name, id)})
			}
			health[container] = append(health[container], s)
		}
	}
	return health
}

func (m *Manager) health(resource, id string) corev1.ResourceHealthStatus {
	if o := m.offers[resource]; o != nil {
		if d, known := o.devices[id]; known && !d.Healthy {
			return corev1.ResourceHealthStatusUnhealthy
		}
	}
	return corev1.ResourceHealthStatusHealthy
}

// hear takes what a plugin tells of its devices, and says so to the pods that have one that is not as it was.
func (m *Manager) hear(name string, from *plugin, devices map[string]Device) {
	m.mu.Lock()
	o := m.offers[name]
	if !slices.Contains(o.plugins, from) { // another one has come in its place
		m.mu.Unlock()
		return
	}
	var concerned []types.UID
	for _, id := range changed(o.devices, devices) {
		if pod := m.given.holder(name, id); pod != "" {
			concerned = append(concerned, types.UID(pod))
		}
	}
	o.devices = devices
	m.mu.Unlock()
	if m.Changed == nil {
		return
	}
	for _, pod := range concerned {
		m.Changed(pod)
	}
}
