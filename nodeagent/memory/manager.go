package memory

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
const StateFile = "memory_manager_state"

// Manager gives containers memory by a policy. It is safe for concurrent use.
type Manager struct {
	policy *Policy
	path   string

	mu    sync.Mutex
	state State
}

// kept is what is on the disk, in the kubelet's form.
type kept struct {
	Policy  string                        `json:"policyName"`
	Nodes   map[int]*Node                 `json:"machineState"`
	Entries map[string]map[string][]Block `json:"entries,omitempty"`
}

// New returns a Manager that knows who has which memory, in a node's directory.
func New(root string, policy *Policy) (*Manager, error) {
	m := &Manager{policy: policy, path: filepath.Join(root, StateFile), state: policy.initial()}
	var k kept
	found, err := checkpoint.ReadUnder(Static, m.path, &k)
	if err == nil && found {
		if m.state = (State{k.Nodes, k.Entries}); m.state.Given == nil {
			m.state.Given = map[string]map[string][]Block{}
		}
		err = policy.check(m.state)
	}
	if err != nil {
		return nil, fmt.Errorf("taking over which memory containers have: %w: %s", err, checkpoint.Drain(m.path))
	}
	return m, nil
}

// CheckNone refuses to begin without a policy where containers have memory by one.
func CheckNone(root string) error {
	return checkpoint.Unused(None, filepath.Join(root, StateFile), Static)
}

// keep makes a state the one that holds, once it is on the disk. The lock is held.
func (m *Manager) keep(next State) error {
	if err := checkpoint.Write(m.path, kept{Static, next.Nodes, next.Given}); err != nil {
		return err
	}
	m.state = next
	return nil
}

// Has says whether a container has the memory that it is to have of certain nodes.
func (m *Manager) Has(pod *corev1.Pod, spec *corev1.Container) bool {
	return len(Wanted(pod, spec)) == 0 || len(m.Given(pod.UID, spec.Name)) > 0
}

// Hints are of which NUMA nodes a container's memory could be.
func (m *Manager) Hints(pod *corev1.Pod, spec *corev1.Container) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy.Hints(m.state, pod, spec)
}

// PodHints are of which NUMA nodes all memory of a pod could be.
func (m *Manager) PodHints(pod *corev1.Pod) topology.Hints {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy.PodHints(m.state, pod)
}

// Allocate gives a container the memory that it is to have, of the nodes of a hint.
func (m *Manager) Allocate(pod *corev1.Pod, spec *corev1.Container, best topology.Hint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, has := m.state.Given[string(pod.UID)][spec.Name]; has || len(Wanted(pod, spec)) == 0 {
		return nil
	}
	next, err := m.policy.Allocate(m.state, pod, spec, best)
	if err != nil {
		return err
	}
	return m.keep(next)
}

// Container has a container made so that its memory is of the nodes of which it was given some.
func (m *Manager) Container(pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) {
	var nodes []int
	for _, b := range m.Given(pod.UID, spec.Name) {
		nodes = append(nodes, b.Nodes...)
	}
	if len(nodes) > 0 {
		config.Linux.Resources.CpusetMems = cpuset.New(nodes...).String()
	}
}

// Release takes back the memory of a pod. Nothing of it runs any more.
func (m *Manager) Release(pod types.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, has := m.state.Given[string(pod)]; !has {
		return nil
	}
	return m.keep(m.state.release(string(pod)))
}

// Pods are the UIDs of those with memory of certain nodes.
func (m *Manager) Pods() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.state.Given))
}

// Given are the blocks of a container.
func (m *Manager) Given(pod types.UID, container string) []Block {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.state.Given[string(pod)][container])
}

// Allocatable is what there is to be given of each node.
func (m *Manager) Allocatable() (blocks []Block) {
	initial := m.policy.initial()
	for _, id := range slices.Sorted(maps.Keys(initial.Nodes)) {
		for _, name := range slices.Sorted(maps.Keys(initial.Nodes[id].Memory)) {
			if size := initial.Nodes[id].Memory[name].Offered; size > 0 {
				blocks = append(blocks, Block{[]int{id}, name, size})
			}
		}
	}
	return blocks
}
