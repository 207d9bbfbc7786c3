package node

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ReservedSettings are those fields of a KubeletConfiguration that keep something of the node from its pods, by their names there.
type ReservedSettings struct {
	// KubeReserved and SystemReserved are amounts of cpu, memory, ephemeral-storage and pid that pods cannot have.
	KubeReserved, SystemReserved map[string]string
	// EnforceNodeAllocatable says what is limited: all pods together ("pods"), to what is not reserved; and the groups of who the rest is
	// reserved for ("kube-reserved" and "system-reserved"), to that. Nil stands for pods alone.
	EnforceNodeAllocatable []string
	// KubeReservedCgroup and SystemReservedCgroup are these groups, which must be there.
	KubeReservedCgroup, SystemReservedCgroup string
	// PodPidsLimit is how many processes a pod may have; no limit of its own if nil or below zero.
	PodPidsLimit *int64
}

// Words of EnforceNodeAllocatable.
const (
	EnforcePods           = "pods"
	EnforceKubeReserved   = "kube-reserved"
	EnforceSystemReserved = "system-reserved"
)

// PIDs is what processes are called among what is reserved.
const PIDs corev1.ResourceName = "pid"

var reservable = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage, PIDs}

// Reserved is what is kept from pods, each for itself.
type Reserved struct{ Kube, System corev1.ResourceList }

// Parse refuses what the kubelet refuses.
func (s ReservedSettings) Parse() (r Reserved, err error) {
	if r.Kube, err = amounts("kubeReserved", s.KubeReserved); err != nil {
		return r, err
	}
	if r.System, err = amounts("systemReserved", s.SystemReserved); err != nil {
		return r, err
	}
	for _, what := range s.EnforceNodeAllocatable {
		switch {
		case !slices.Contains([]string{EnforcePods, EnforceKubeReserved, EnforceSystemReserved, "none"}, what):
			return r, fmt.Errorf("enforceNodeAllocatable: %q is not known: want pods, kube-reserved, system-reserved or none", what)
		case what == "none" && len(s.EnforceNodeAllocatable) > 1:
			return r, fmt.Errorf("enforceNodeAllocatable: none excludes all others, and there are %q", s.EnforceNodeAllocatable)
		case what == EnforceKubeReserved && s.KubeReservedCgroup == "":
			return r, fmt.Errorf("enforceNodeAllocatable: kube-reserved needs a kubeReservedCgroup")
		case what == EnforceSystemReserved && s.SystemReservedCgroup == "":
			return r, fmt.Errorf("enforceNodeAllocatable: system-reserved needs a systemReservedCgroup")
		}
	}
	return r, nil
}

// Enforces says whether something is limited.
func (s ReservedSettings) Enforces(what string) bool {
	if s.EnforceNodeAllocatable == nil {
		return what == EnforcePods
	}
	return slices.Contains(s.EnforceNodeAllocatable, what)
}

func amounts(field string, texts map[string]string) (corev1.ResourceList, error) {
	list := corev1.ResourceList{}
	for name, text := range texts {
		quantity, err := resource.ParseQuantity(text)
		switch {
		case !slices.Contains(reservable, corev1.ResourceName(name)):
			return nil, fmt.Errorf("%s: %q cannot be reserved: want one of %q", field, name, reservable)
		case err != nil || quantity.Sign() < 0:
			return nil, fmt.Errorf("%s: %s is %q: want an amount, as in 500m or 1Gi", field, name, text)
		}
		list[corev1.ResourceName(name)] = quantity
	}
	return list, nil
}

// Sum is all of several lists.
func Sum(lists ...corev1.ResourceList) corev1.ResourceList {
	sum := corev1.ResourceList{}
	for _, list := range lists {
		for name, quantity := range list {
			total, known := sum[name]
			if !known {
				total = resource.Quantity{Format: quantity.Format}
			}
			total.Add(quantity)
			sum[name] = total
		}
	}
	return sum
}

// CheckReserved refuses to reserve more than there is.
func CheckReserved(reserved, capacity corev1.ResourceList) error {
	for _, name := range reservable {
		wanted, has := reserved[name], capacity[name]
		if _, known := capacity[name]; known && wanted.Cmp(has) > 0 {
			return fmt.Errorf("reserving %s of the node: %s are to be reserved, and it has %s", name, wanted.String(), has.String())
		}
	}
	return nil
}
