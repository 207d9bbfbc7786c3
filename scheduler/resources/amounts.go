package resources

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Amounts is a quantity of each compute resource, in plain integers: CPU in thousandths, memory and ephemeral storage
// in bytes, all others in whole units. The zero value is nothing of anything and ready to use.
type Amounts struct {
	MilliCPU         int64
	Memory           int64
	EphemeralStorage int64
	// PodCount is how many pods a node takes. It is set for allocatable amounts only.
	PodCount int
	// Scalars holds extended resources, huge pages and attachable volumes. Nil means none.
	Scalars map[corev1.ResourceName]int64
}

var _ fwk.Resource = &Amounts{}

// FromList converts a resource list. Names that a scheduler does not count are left out.
func FromList(list corev1.ResourceList) *Amounts {
	amounts := &Amounts{}
	for name, quantity := range list {
		switch name {
		case corev1.ResourceCPU:
			amounts.MilliCPU = quantity.MilliValue()
		case corev1.ResourceMemory:
			amounts.Memory = quantity.Value()
		case corev1.ResourceEphemeralStorage:
			amounts.EphemeralStorage = quantity.Value()
		case corev1.ResourcePods:
			amounts.PodCount = int(quantity.Value())
		default:
			if IsScalar(name) {
				amounts.setScalar(name, quantity.Value())
			}
		}
	}
	return amounts
}

// GetMilliCPU returns CPU in thousandths.
func (a *Amounts) GetMilliCPU() int64 { return a.MilliCPU }

// GetMemory returns memory in bytes.
func (a *Amounts) GetMemory() int64 { return a.Memory }

// GetEphemeralStorage returns local ephemeral storage in bytes.
func (a *Amounts) GetEphemeralStorage() int64 { return a.EphemeralStorage }

// GetAllowedPodNumber returns how many pods fit on a node.
func (a *Amounts) GetAllowedPodNumber() int { return a.PodCount }

// GetScalarResources returns the amounts of scalar resources. The map is the one inside; do not write to it.
func (a *Amounts) GetScalarResources() map[corev1.ResourceName]int64 { return a.Scalars }

// SetMaxResource raises every amount to the one in list, where that is larger.
func (a *Amounts) SetMaxResource(list corev1.ResourceList) {
	if a == nil {
		return
	}
	other := FromList(list)
	a.MilliCPU = max(a.MilliCPU, other.MilliCPU)
	a.Memory = max(a.Memory, other.Memory)
	a.EphemeralStorage = max(a.EphemeralStorage, other.EphemeralStorage)
	for name, value := range other.Scalars {
		a.setScalar(name, max(a.Scalars[name], value))
	}
}

// AddTimes adds factor times other; a factor of -1 subtracts. PodCount stays as it is.
func (a *Amounts) AddTimes(factor int64, other fwk.Resource) {
	a.MilliCPU += factor * other.GetMilliCPU()
	a.Memory += factor * other.GetMemory()
	a.EphemeralStorage += factor * other.GetEphemeralStorage()
	for name, value := range other.GetScalarResources() {
		a.setScalar(name, a.Scalars[name]+factor*value)
	}
}

// IsZero reports whether nothing is asked for. A scalar that is present with the amount 0 counts as something.
func (a *Amounts) IsZero() bool {
	return a.MilliCPU == 0 && a.Memory == 0 && a.EphemeralStorage == 0 && len(a.Scalars) == 0
}

// Clone returns an independent copy.
func (a *Amounts) Clone() *Amounts {
	copied := *a
	copied.Scalars = maps.Clone(a.Scalars)
	return &copied
}

func (a *Amounts) setScalar(name corev1.ResourceName, value int64) {
	if a.Scalars == nil {
		a.Scalars = map[corev1.ResourceName]int64{}
	}
	a.Scalars[name] = value
}
