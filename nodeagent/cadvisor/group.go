package cadvisor

import (
	"time"

	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// Group is a control group, and whose it is.
type Group struct {
	// ID is its path.
	ID string
	// Name is the ID of the container or sandbox, and Image what it was made from; both are empty for a pod and for the machine.
	Name, Image string
	// Container is empty for a sandbox and for a pod, as is all of them for the machine.
	Container, Pod, Namespace string
	// Start is when it began; the zero time where that is not known.
	Start time.Time
	cgroups.Details
	// Network are the interfaces of a sandbox.
	Network []Interface
	// Written is how many bytes the container has written to its own file system, which is on Device.
	Written *uint64
	Device  string
}

// labels are the values of the labels that all series of a group have, in the order of labelNames.
func (g *Group) labels() []string {
	return []string{g.Container, g.ID, g.Image, g.Name, g.Namespace, g.Pod}
}

var labelNames = []string{"container", "id", "image", "name", "namespace", "pod"}

// FromSummary are the groups of a node of which there is only what its runtime tells.
func FromSummary(summary *statsv1alpha1.Summary) []Group {
	groups := []Group{{ID: "/", Start: summary.Node.StartTime.Time, Details: details(summary.Node.CPU, summary.Node.Memory)}}
	for i := range summary.Pods {
		pod := &summary.Pods[i]
		of := Group{
			ID: "/pod" + pod.PodRef.UID, Pod: pod.PodRef.Name, Namespace: pod.PodRef.Namespace, Start: pod.StartTime.Time,
			Details: details(pod.CPU, pod.Memory),
		}
		groups = append(groups, of)
		for j := range pod.Containers {
			c := &pod.Containers[j]
			each := of
			each.ID, each.Container, each.Start, each.Details = of.ID+"/"+c.Name, c.Name, c.StartTime.Time, details(c.CPU, c.Memory)
			each.Name, each.Image = c.Name, c.Name // dashboards take what has none for no container
			groups = append(groups, each)
		}
	}
	return groups
}

func details(cpu *statsv1alpha1.CPUStats, memory *statsv1alpha1.MemoryStats) (d cgroups.Details) {
	if cpu != nil {
		d.CPU = cpu.UsageCoreNanoSeconds
	}
	if memory != nil {
		d.Memory, d.WorkingSet, d.RSS = memory.UsageBytes, memory.WorkingSetBytes, memory.RSSBytes
	}
	return d
}
