package eviction

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// Signal is something that a node can run out of, by upstream's name.
type Signal string

const (
	memoryAvailable       Signal = "memory.available"
	allocatableMemory     Signal = "allocatableMemory.available"
	nodeFsAvailable       Signal = "nodefs.available"
	nodeFsInodesFree      Signal = "nodefs.inodesFree"
	imageFsAvailable      Signal = "imagefs.available"
	imageFsInodesFree     Signal = "imagefs.inodesFree"
	containerFsAvailable  Signal = "containerfs.available"
	containerFsInodesFree Signal = "containerfs.inodesFree"
	pidAvailable          Signal = "pid.available"
)

// What signals are about, besides resources of the API.
const (
	inodes corev1.ResourceName = "inodes"
	pids   corev1.ResourceName = "pids"
)

// signals are all of them, in the order in which their thresholds are acted upon when several are due.
var signals = []struct {
	name      Signal
	resource  corev1.ResourceName
	condition corev1.NodeConditionType
}{
	{memoryAvailable, corev1.ResourceMemory, corev1.NodeMemoryPressure},
	{allocatableMemory, corev1.ResourceMemory, corev1.NodeMemoryPressure},
	{nodeFsAvailable, corev1.ResourceEphemeralStorage, corev1.NodeDiskPressure},
	{imageFsAvailable, corev1.ResourceEphemeralStorage, corev1.NodeDiskPressure},
	{containerFsAvailable, corev1.ResourceEphemeralStorage, corev1.NodeDiskPressure},
	{nodeFsInodesFree, inodes, corev1.NodeDiskPressure},
	{imageFsInodesFree, inodes, corev1.NodeDiskPressure},
	{containerFsInodesFree, inodes, corev1.NodeDiskPressure},
	{pidAvailable, pids, corev1.NodePIDPressure},
}

func signalNames() (names []string) {
	for _, s := range signals {
		names = append(names, string(s.name))
	}
	return names
}

// order is the signal's place in the table; -1 if there is none.
func (s Signal) order() int {
	for i := range signals {
		if signals[i].name == s {
			return i
		}
	}
	return -1
}

func (s Signal) valid() bool                         { return s.order() >= 0 }
func (s Signal) resource() corev1.ResourceName       { return signals[s.order()].resource }
func (s Signal) condition() corev1.NodeConditionType { return signals[s.order()].condition }

// Value is an amount, or a share of the capacity. The zero value is nothing.
type Value struct {
	quantity   *resource.Quantity
	percentage float32
}

// Of is the amount that the value stands for, with such a capacity.
func (v Value) Of(capacity resource.Quantity) resource.Quantity {
	if v.quantity != nil {
		return v.quantity.DeepCopy()
	}
	return *resource.NewQuantity(int64(float64(capacity.Value())*float64(v.percentage)), resource.BinarySI)
}

// Threshold is how little of something may be left.
type Threshold struct {
	Signal Signal
	Value  Value
	// Grace is how long it has to be met before it is acted upon; zero for a hard threshold.
	Grace time.Duration
	// MinReclaim is how much more is to be free once it was acted upon.
	MinReclaim Value
}

// Hard says whether the threshold is acted upon at once.
func (t Threshold) Hard() bool { return t.Grace == 0 }

// metBy says whether there is less than the threshold asks for; with reclaim, less than is wanted once it was acted upon.
func (t Threshold) metBy(o observation, reclaim bool) bool {
	wanted := t.Value.Of(o.capacity)
	if reclaim {
		wanted.Add(t.MinReclaim.Of(o.capacity))
	}
	return wanted.Cmp(o.available) > 0
}

// met are those of the thresholds that are met. What could not be observed is not met.
func met(thresholds []Threshold, seen map[Signal]observation, reclaim bool) (found []Threshold) {
	for _, t := range thresholds {
		if o, observed := seen[t.Signal]; observed && t.metBy(o, reclaim) {
			found = append(found, t)
		}
	}
	return found
}

// merged are the thresholds of both lists, each once.
func merged(a, b []Threshold) []Threshold {
	for _, t := range b {
		if !slices.Contains(a, t) {
			a = append(slices.Clip(a), t)
		}
	}
	return a
}

// observation is how much there is of something, and how much of that is left.
type observation struct{ capacity, available resource.Quantity }

// observations are the signals of a node, as far as they were measured.
func observations(node *statsv1alpha1.NodeStats) map[Signal]observation {
	seen := map[Signal]observation{}
	memoryOf(seen, memoryAvailable, node.Memory)
	for i := range node.SystemContainers {
		if node.SystemContainers[i].Name == statsv1alpha1.SystemContainerPods {
			memoryOf(seen, allocatableMemory, node.SystemContainers[i].Memory)
		}
	}
	fsOf(seen, nodeFsAvailable, nodeFsInodesFree, node.Fs)
	if runtime := node.Runtime; runtime != nil {
		fsOf(seen, imageFsAvailable, imageFsInodesFree, runtime.ImageFs)
		fsOf(seen, containerFsAvailable, containerFsInodesFree, runtime.ContainerFs)
	}
	if limit := node.Rlimit; limit != nil && limit.MaxPID != nil && limit.NumOfRunningProcesses != nil {
		seen[pidAvailable] = observed(*limit.MaxPID, *limit.MaxPID-*limit.NumOfRunningProcesses, resource.DecimalSI)
	}
	return seen
}

func memoryOf(seen map[Signal]observation, signal Signal, memory *statsv1alpha1.MemoryStats) {
	if memory != nil && memory.AvailableBytes != nil && memory.WorkingSetBytes != nil {
		seen[signal] = observed(int64(*memory.AvailableBytes+*memory.WorkingSetBytes), int64(*memory.AvailableBytes), resource.BinarySI)
	}
}

func fsOf(seen map[Signal]observation, bytes, nodes Signal, fs *statsv1alpha1.FsStats) {
	if fs != nil && fs.AvailableBytes != nil && fs.CapacityBytes != nil {
		seen[bytes] = observed(int64(*fs.CapacityBytes), int64(*fs.AvailableBytes), resource.BinarySI)
	}
	if fs != nil && fs.InodesFree != nil && fs.Inodes != nil {
		seen[nodes] = observed(int64(*fs.Inodes), int64(*fs.InodesFree), resource.DecimalSI)
	}
}

func observed(capacity, available int64, format resource.Format) observation {
	return observation{*resource.NewQuantity(capacity, format), *resource.NewQuantity(available, format)}
}

// String is as in "memory.available below 100Mi".
func (t Threshold) String() string {
	if t.Value.quantity != nil {
		amount := t.Value.quantity.DeepCopy() // to print a quantity changes it
		return fmt.Sprintf("%s below %s", t.Signal, amount.String())
	}
	return fmt.Sprintf("%s below %.3g%%", t.Signal, t.Value.percentage*100)
}
