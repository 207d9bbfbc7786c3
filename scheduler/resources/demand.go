package resources

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
)

// Demand is what a pod asks of one resource, and what a node has of it: CPU in thousandths, memory and storage in bytes,
// others by number.
type Demand struct {
	Name corev1.ResourceName
	// Wanted is what the pod asks for, Allocatable what the node offers, and Requested what pods there have taken of that.
	Wanted, Allocatable, Requested int64
}

// Free is what the node has left.
func (d Demand) Free() int64 { return d.Allocatable - d.Requested }

// Missing is by how much that is too little; below 0 it is more than enough.
func (d Demand) Missing() int64 { return d.Wanted - d.Free() }

// Demands are those for CPU, memory, ephemeral storage, and whatever else the pod asks for.
func Demands(pod *corev1.Pod, node fwk.NodeInfo) []Demand {
	wanted, allocatable, requested := Requests(pod), node.GetAllocatable(), node.GetRequested()
	all := []Demand{
		{corev1.ResourceCPU, wanted.MilliCPU, allocatable.GetMilliCPU(), requested.GetMilliCPU()},
		{corev1.ResourceMemory, wanted.Memory, allocatable.GetMemory(), requested.GetMemory()},
		{corev1.ResourceEphemeralStorage, wanted.EphemeralStorage, allocatable.GetEphemeralStorage(), requested.GetEphemeralStorage()},
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Scalars)) {
		all = append(all, Demand{name, wanted.Scalars[name], allocatable.GetScalarResources()[name], requested.GetScalarResources()[name]})
	}
	return all
}

// Text is a quantity of the resource with its unit, as in "2 CPU" and "8Gi memory".
func (d Demand) Text(value int64) string {
	if d.Name == corev1.ResourceCPU {
		return d.Quantity(value) + " CPU"
	}
	return d.Quantity(value) + " " + string(d.Name)
}

// Less says how much less the pod would have to ask for, as in "500m less CPU".
func (d Demand) Less() string {
	name := string(d.Name)
	value := d.Quantity(d.Missing())
	if d.Name == corev1.ResourceCPU {
		name = "CPU"
		value = resource.NewMilliQuantity(d.Missing(), resource.DecimalSI).String()
	} else if d.inBytes() {
		value = bytesText(d.Missing(), true)
	}
	return value + " less " + name
}

func (d Demand) inBytes() bool {
	return d.Name == corev1.ResourceMemory || d.Name == corev1.ResourceEphemeralStorage ||
		strings.HasPrefix(string(d.Name), corev1.ResourceHugePagesPrefix)
}

// Quantity is a quantity without the name of the resource.
func (d Demand) Quantity(value int64) string {
	switch {
	case d.Name == corev1.ResourceCPU:
		return strconv.FormatFloat(float64(value)/1000, 'f', -1, 64)
	case d.inBytes():
		return bytesText(value, false)
	}
	return strconv.FormatInt(value, 10)
}

// bytesText is a number of bytes with at most one decimal, as in "1.5Gi", rounded down or up.
func bytesText(value int64, up bool) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if value < unit.bytes && value > -unit.bytes {
			continue
		}
		tenths := 10 * value / unit.bytes
		if up && tenths*unit.bytes < 10*value {
			tenths++
		}
		return strconv.FormatFloat(float64(tenths)/10, 'f', -1, 64) + unit.name
	}
	return strconv.FormatInt(value, 10)
}

// SharesTaken is how much of a node would be taken with the pod, as in "42% of CPU and 60% of memory".
func SharesTaken(pod *corev1.Pod, node fwk.NodeInfo) string {
	var texts []string
	for _, d := range Demands(pod, node) {
		if d.Allocatable == 0 || d.Wanted == 0 && d.Name != corev1.ResourceCPU && d.Name != corev1.ResourceMemory {
			continue
		}
		name := string(d.Name)
		if d.Name == corev1.ResourceCPU {
			name = "CPU"
		}
		texts = append(texts, fmt.Sprintf("%d%% of %s", 100*(d.Requested+d.Wanted)/d.Allocatable, name))
	}
	return strings.Join(texts, " and ")
}
