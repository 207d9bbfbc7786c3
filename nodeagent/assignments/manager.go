package assignments

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/memory"
	"github.com/orrery-dev/orrery/nodeagent/status"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// The kubelet's reasons for a pod whose containers cannot be given what they ask for.
const (
	unexpectedAdmissionError = "UnexpectedAdmissionError"
	topologyAffinityError    = "TopologyAffinityError"
	smtAlignmentError        = "SMTAlignmentError"
)

// Options are who gives things, and how these are placed.
type Options struct {
	Devices *devices.Manager
	// CPUs is nil where all containers share all CPUs.
	CPUs *cpus.Manager
	// Memory is nil where the memory of containers may be of any node.
	Memory *memory.Manager
	// Topology says to which NUMA nodes containers are bound.
	Topology topology.Policy
	// WholePods binds all containers of a pod to the same nodes.
	WholePods bool
}

// Manager gives pods what they have for themselves.
type Manager struct {
	Options
	// turn is held by who is given something where it counts where that is: what is free must not change between a hint and its use.
	turn chan struct{}
}

// New returns a Manager.
func New(options Options) *Manager { return &Manager{options, make(chan struct{}, 1)} }

// Assigned says whether each container of a pod has all that it is to have for itself.
func (m *Manager) Assigned(pod *corev1.Pod) bool {
	for _, spec := range containers(pod) {
		if !m.has(pod, spec) {
			return false
		}
	}
	return true
}

func (m *Manager) has(pod *corev1.Pod, spec *corev1.Container) bool {
	return m.Devices.Has(pod, spec) && (m.CPUs == nil || m.CPUs.Has(pod, spec)) && (m.Memory == nil || m.Memory.Has(pod, spec))
}

// Assign gives the containers of a pod what they are to have for themselves, or says why the pod cannot run here.
func (m *Manager) Assign(ctx context.Context, pod *corev1.Pod) *status.Failure {
	if err := m.assign(ctx, pod, containers(pod)); err != nil {
		return failure(err)
	}
	return nil
}

// errAffinity is the kubelet's message for a container that cannot be bound as its node wants.
var errAffinity = errors.New("Resources cannot be allocated with Topology locality") //nolint:staticcheck // letter by letter

func failure(err error) *status.Failure {
	var halved *cpus.SMTAlignmentError
	switch {
	case errors.Is(err, errAffinity):
		return &status.Failure{Reason: topologyAffinityError, Message: err.Error()}
	case errors.As(err, &halved):
		return &status.Failure{Reason: smtAlignmentError, Message: err.Error()}
	default:
		return &status.Failure{Reason: unexpectedAdmissionError, Message: fmt.Sprintf("Allocate failed due to %v, which is unexpected", err)}
	}
}

// assign gives some containers of a pod, in order, what they have not yet.
func (m *Manager) assign(ctx context.Context, pod *corev1.Pod, some []*corev1.Container) error {
	if m.Topology.Name != topology.None {
		select {
		case m.turn <- struct{}{}:
			defer func() { <-m.turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	place := m.placeContainer
	if m.WholePods {
		whole, admit := m.Topology.Merge(m.podHints(pod))
		place = func(*corev1.Pod, *corev1.Container) (topology.Hint, bool) { return whole, admit }
	}
	for _, spec := range some {
		best, admit := place(pod, spec)
		if !admit {
			return errAffinity
		}
		if err := m.give(ctx, pod, spec, best); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) give(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, best topology.Hint) error {
	var near []int
	if best.Nodes != 0 {
		near = best.Nodes.IDs()
	}
	if err := m.Devices.Allocate(ctx, pod, spec, near); err != nil {
		return err
	}
	if m.CPUs != nil {
		if err := m.CPUs.Allocate(pod, spec, best.Nodes); err != nil {
			return err
		}
	}
	if m.Memory != nil {
		return m.Memory.Allocate(pod, spec, best)
	}
	return nil
}

// placeContainer says to which nodes a container is bound, and whether it may run then.
func (m *Manager) placeContainer(pod *corev1.Pod, spec *corev1.Container) (topology.Hint, bool) {
	if m.Topology.Name == topology.None {
		return topology.Hint{}, true
	}
	hints := []topology.Hints{m.Devices.Hints(pod, spec, m.Topology.Machine.NodeIDs())}
	if m.CPUs != nil {
		hints = append(hints, m.CPUs.Hints(pod, spec))
	}
	if m.Memory != nil {
		hints = append(hints, m.Memory.Hints(pod, spec))
	}
	return m.Topology.Merge(hints)
}

func (m *Manager) podHints(pod *corev1.Pod) []topology.Hints {
	if m.Topology.Name == topology.None {
		return nil
	}
	hints := []topology.Hints{m.Devices.PodHints(pod, m.Topology.Machine.NodeIDs())}
	if m.CPUs != nil {
		hints = append(hints, m.CPUs.PodHints(pod))
	}
	if m.Memory != nil {
		hints = append(hints, m.Memory.PodHints(pod))
	}
	return hints
}

// Container has a container made with what it was given.
func (m *Manager) Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) error {
	if !m.has(pod, spec) {
		if err := m.assign(ctx, pod, []*corev1.Container{spec}); err != nil {
			return err
		}
	}
	if m.CPUs != nil {
		m.CPUs.Container(pod, spec, config)
	}
	if m.Memory != nil {
		m.Memory.Container(pod, spec, config)
	}
	return m.Devices.Container(ctx, pod, spec, config)
}

// Health is how the devices of a pod's containers are, by the containers' names.
func (m *Manager) Health(pod *corev1.Pod) map[string][]corev1.ResourceStatus {
	return m.Devices.Health(pod)
}

// Exclusive says whether a container of a pod has CPUs for itself.
func (m *Manager) Exclusive(pod *corev1.Pod) bool {
	for _, spec := range containers(pod) {
		if m.CPUs != nil && !m.CPUs.Given(pod.UID, spec.Name).IsEmpty() {
			return true
		}
	}
	return false
}

// Release takes back what a pod has. Nothing of it runs any more.
func (m *Manager) Release(pod types.UID) error {
	err := m.Devices.Release(pod)
	if m.CPUs != nil {
		err = errors.Join(err, m.CPUs.Release(pod))
	}
	if m.Memory != nil {
		err = errors.Join(err, m.Memory.Release(pod))
	}
	return err
}

// Pods are the UIDs of those that have something.
func (m *Manager) Pods() []string {
	pods := m.Devices.Pods()
	if m.CPUs != nil {
		pods = append(pods, m.CPUs.Pods()...)
	}
	if m.Memory != nil {
		pods = append(pods, m.Memory.Pods()...)
	}
	return pods
}

// containers are those of a pod that something can be given to, in the order in which that is done: ephemeral ones ask for nothing.
func containers(pod *corev1.Pod) []*corev1.Container {
	var all []*corev1.Container
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}
