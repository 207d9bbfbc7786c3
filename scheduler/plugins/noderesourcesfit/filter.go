package noderesourcesfit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/resources"
)

const requestsKey fwk.StateKey = "PreFilter" + Name

// requests are those of the pod to schedule.
type requests struct{ *resources.Amounts }

// Clone returns the same: nothing changes it.
func (r requests) Clone() fwk.StateData { return r }

// PreFilter adds up what the pod requests.
func (*Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	state.Write(requestsKey, requests{resources.Requests(pod)})
	return nil, nil
}

// PreFilterExtensions returns nil: Filter reads from the node what others take.
func (*Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter refuses a node that lacks something, and names everything that it lacks.
func (p *Plugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	wanted, err := framework.ReadState[requests](state, requestsKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	lacks := p.lacking(wanted.Amounts, node)
	if len(lacks) == 0 {
		return nil
	}
	code := fwk.Unschedulable
	reasons := make([]string, len(lacks))
	for i, lack := range lacks {
		reasons[i] = lack.reason
		if lack.never {
			code = fwk.UnschedulableAndUnresolvable
		}
	}
	return fwk.NewStatus(code, reasons...)
}

// lack is a resource that a node has not enough of; never means not even when it is empty.
type lack struct {
	reason string
	never  bool
}

func (p *Plugin) lacking(wanted *resources.Amounts, node fwk.NodeInfo) []lack {
	var lacks []lack
	offered, taken := node.GetAllocatable(), node.GetRequested()
	if len(node.GetPods())+1 > offered.GetAllowedPodNumber() {
		lacks = append(lacks, lack{reason: "Too many pods"})
	}
	if wanted.IsZero() {
		return lacks
	}
	check := func(reason string, wants, offers, takes int64) {
		if wants > 0 && wants > offers-takes {
			lacks = append(lacks, lack{reason: reason, never: wants > offers})
		}
	}
	check("Insufficient cpu", wanted.MilliCPU, offered.GetMilliCPU(), taken.GetMilliCPU())
	check("Insufficient memory", wanted.Memory, offered.GetMemory(), taken.GetMemory())
	check("Insufficient ephemeral-storage", wanted.EphemeralStorage, offered.GetEphemeralStorage(), taken.GetEphemeralStorage())
	if len(wanted.Scalars) == 0 {
		return lacks
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Scalars)) {
		if !p.ignores(name) && !p.delegates(name, node) {
			check(fmt.Sprintf("Insufficient %v", name), wanted.Scalars[name],
				offered.GetScalarResources()[name], taken.GetScalarResources()[name])
		}
	}
	return lacks
}

// ignores reports whether somebody else looks after an extended resource.
func (p *Plugin) ignores(name corev1.ResourceName) bool {
	if len(p.ignored) == 0 && len(p.ignoredGroups) == 0 || !resources.IsExtended(name) {
		return false
	}
	group, _, _ := strings.Cut(string(name), "/")
	return p.ignored.Has(string(name)) || p.ignoredGroups.Has(group)
}

// delegates reports whether the plugin DynamicResources looks after a resource on a node, because the node has none of
// it and devices of a class can stand for it.
func (p *Plugin) delegates(name corev1.ResourceName, node fwk.NodeInfo) bool {
	return node.GetAllocatable().GetScalarResources()[name] <= 0 && p.backed(name)
}

// backed reports whether devices of a class can stand for a resource.
func (p *Plugin) backed(name corev1.ResourceName) bool {
	return p.classes != nil && p.classes.GetDeviceClass(name) != nil
}
