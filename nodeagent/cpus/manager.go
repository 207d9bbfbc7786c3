package cpus

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/checkpoint"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// StateFile is the kubelet's name for what is on the disk, in the node's directory.
const StateFile = "cpu_manager_state"

// Manager gives containers CPUs by a policy. It is safe for concurrent use.
type Manager struct {
	policy *Policy
	path   string

	mu    sync.Mutex
	state State
	// changed is filled when running containers may have to move.
	changed chan struct{}
}

// kept is what is on the disk, in the kubelet's form.
type kept struct {
	Policy  string                       `json:"policyName"`
	Shared  string                       `json:"defaultCpuSet"`
	Entries map[string]map[string]string `json:"entries,omitempty"`
}

// New returns a Manager that knows who has which CPUs, in a node's directory.
func New(root string, policy *Policy) (*Manager, error) {
	m := &Manager{policy: policy, path: filepath.Join(root, StateFile), changed: make(chan struct{}, 1)}
	m.state = State{Shared: policy.shareable()}
	var k kept
	found, err := checkpoint.ReadUnder(Static, m.path, &k)
	if err == nil && found {
		m.state, err = k.state()
	}
	if err == nil && found {
		err = policy.check(m.state)
	}
	if err != nil {
		return nil, fmt.Errorf("taking over which CPUs containers have: %w: %s", err, checkpoint.Drain(m.path))
	}
	return m, nil
}

// CheckNone refuses to begin without a policy where containers have CPUs by one.
func CheckNone(root string) error {
	return checkpoint.Unused(None, filepath.Join(root, StateFile), Static)
}

func (k kept) state() (s State, err error) {
	if s.Shared, err = cpuset.Parse(k.Shared); err != nil {
		return s, err
	}
	s.Given = map[string]map[string]cpuset.CPUSet{}
	for pod, containers := range k.Entries {
		s.Given[pod] = map[string]cpuset.CPUSet{}
		for container, text := range containers {
			if s.Given[pod][container], err = cpuset.Parse(text); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// keep makes a state the one that holds, once it is on the disk. The lock is held.
func (m *Manager) keep(next State) error {
	k := kept{Policy: Static, Shared: next.Shared.String(), Entries: map[string]map[string]string{}}
	for pod, containers := range next.Given {
		k.Entries[pod] = map[string]string{}
		for container, set := range containers {
			k.Entries[pod][container] = set.String()
		}
	}
	if err := checkpoint.Write(m.path, k); err != nil {
		return err
	}
	if m.state = next; len(m.changed) == 0 {
		m.changed <- struct{}{}
	}
	return nil
}

// Has says whether a container has the CPUs that it is to have for itself.
func (m *Manager) Has(pod *corev1.Pod, spec *corev1.Container) bool {
	return Wanted(pod, spec) == 0 || !m.Given(pod.UID, spec.Name).IsEmpty()
}

// Hints are on which NUMA nodes a container's CPUs could be, and PodHints on which all those of a pod.
func (m *Manager) Hints(pod *corev1.Pod, spec *corev1.Container) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy.Hints(m.state, pod, spec)
}

// PodHints are on which NUMA nodes all CPUs of a pod could be.
func (m *Manager) PodHints(pod *corev1.Pod) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy.PodHints(m.state, pod)
}

// Allocate gives a container the CPUs that it is to have for itself, on some NUMA nodes as far as they have them.
func (m *Manager) Allocate(pod *corev1.Pod, spec *corev1.Container, near topology.Nodes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, has := m.state.Given[string(pod.UID)][spec.Name]; has || Wanted(pod, spec) == 0 {
		return nil
	}
	next, err := m.policy.Allocate(m.state, pod, spec, near)
	if err != nil {
		return err
	}
	return m.keep(next)
}

// Container has a container made with the CPUs that it runs on. One that has them for itself is not held back by its limit: it can use no more.
func (m *Manager) Container(pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) {
	m.mu.Lock()
	defer m.mu.Unlock()
	config.Linux.Resources.CpusetCpus = m.state.Of(string(pod.UID), spec.Name).String()
	if _, has := m.state.Given[string(pod.UID)][spec.Name]; has {
		config.Linux.Resources.CpuQuota = -1
	}
}

// Release takes back the CPUs of a pod. Nothing of it runs any more.
func (m *Manager) Release(pod types.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, has := m.state.Given[string(pod)]; !has {
		return nil
	}
	return m.keep(m.state.release(string(pod)))
}

// Pods are the UIDs of those with CPUs for themselves.
func (m *Manager) Pods() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.state.Given))
}

// Given are the CPUs that a container has for itself.
func (m *Manager) Given(pod types.UID, container string) cpuset.CPUSet {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Given[string(pod)][container]
}

// Allocatable are the CPUs that can be given to somebody.
func (m *Manager) Allocatable() cpuset.CPUSet { return m.policy.Allocatable() }

// Of are the CPUs on which a container runs.
func (m *Manager) Of(pod, container string) cpuset.CPUSet {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Of(pod, container)
}
