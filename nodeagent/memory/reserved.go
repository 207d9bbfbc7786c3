package memory

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// ParseReserved reads reservedMemory: what is kept from containers of each node, in bytes.
func ParseReserved(list []kubeletconfigv1beta1.MemoryReservation) (map[int]map[corev1.ResourceName]int64, error) {
	reserved := map[int]map[corev1.ResourceName]int64{}
	for i, of := range list {
		node := int(of.NumaNode)
		if reserved[node] == nil {
			reserved[node] = map[corev1.ResourceName]int64{}
		}
		for name, quantity := range of.Limits {
			field := fmt.Sprintf("reservedMemory[%d].limits", i)
			switch _, twice := reserved[node][name]; {
			case name != corev1.ResourceMemory && !hugepages.Is(name):
				return nil, fmt.Errorf("%s: %s: want memory, or huge pages of some size", field, name)
			case quantity.Sign() <= 0:
				return nil, fmt.Errorf("%s: %s: %s: want more than nothing", field, name, quantity.String())
			case twice:
				return nil, fmt.Errorf("%s: %s: it is there twice for node %d", field, name, node)
			}
			reserved[node][name] = quantity.Value()
		}
	}
	return reserved, nil
}

// NewPolicy keeps some memory of each node from containers. Together that has to be what all pods cannot have of the node: what the
// system and the kubelet have reserved, and what pods would be evicted for.
func NewPolicy(m *topology.Machine, reserved map[int]map[corev1.ResourceName]int64, withheld corev1.ResourceList) (*Policy, error) {
	sums := map[corev1.ResourceName]int64{}
	for node, of := range reserved {
		if !slices.Contains(m.NodeIDs(), node) {
			return nil, fmt.Errorf("reservedMemory: the reserved memory configuration references a NUMA node %d that does not exist on this machine", node)
		}
		for name, size := range of {
			sums[name] += size
		}
	}
	for name, quantity := range withheld {
		if name == corev1.ResourceMemory || hugepages.Is(name) {
			sums[name] -= quantity.Value()
		}
	}
	for name, rest := range sums {
		if wanted := withheld[name]; rest != 0 {
			total := resource.NewQuantity(wanted.Value()+rest, resource.BinarySI)
			return nil, fmt.Errorf("reservedMemory: the total amount %q of type %q is not equal to the value %q determined by Node Allocatable feature",
				total.String(), name, wanted.String())
		}
	}
	if wanted := withheld[corev1.ResourceMemory]; wanted.IsZero() {
		return nil, errors.New("memoryManagerPolicy: [memorymanager] you should specify the system reserved memory")
	}
	return &Policy{Machine: m, Reserved: reserved}, nil
}
