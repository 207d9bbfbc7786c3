// Package topologyplacementgenerator makes a pod group that asks for it lie within one topology domain, such as a rack:
// all its pods go to nodes which have the same value of a label.
//
// It is not among the default plugins, because the field that asks for it (spec.schedulingConstraints) is alpha.
package topologyplacementgenerator

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "TopologyPlacementGenerator"

// Plugin is the plugin of one profile.
type Plugin struct{ handle fwk.Handle }

var _ fwk.PlacementGeneratePlugin = &Plugin{}

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{handle: handle}, nil
}

// Name returns the plugin's name.
func (p *Plugin) Name() string { return Name }

// GeneratePlacements returns the nodes of each domain. Once pods of the group have been scheduled, only their domain is
// left. A group that asks for none can be anywhere.
func (p *Plugin) GeneratePlacements(_ context.Context, _ fwk.PodGroupCycleState, group fwk.PodGroupInfo, within *fwk.Placement) (
	*fwk.GeneratePlacementsResult, *fwk.Status,
) {
	label, asks := topologyKey(group)
	if !asks {
		return &fwk.GeneratePlacementsResult{Placements: []*fwk.Placement{within}}, nil
	}
	state, err := p.handle.SnapshotSharedLister().PodGroupStates().Get(group.GetNamespace(), group.GetName())
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	scheduled := state.ScheduledPods()
	domain, err := p.domainOf(scheduled, label)
	if err != nil {
		return nil, fwk.AsStatus(fmt.Errorf("cannot determine domain for already scheduled pods: %w", err))
	}
	nodes := map[string][]fwk.NodeInfo{}
	for _, node := range within.Nodes {
		if value, labelled := node.Node().Labels[label]; labelled && (len(scheduled) == 0 || value == domain) {
			nodes[value] = append(nodes[value], node)
		}
	}
	result := &fwk.GeneratePlacementsResult{}
	for _, value := range slices.Sorted(maps.Keys(nodes)) {
		result.Placements = append(result.Placements, &fwk.Placement{Name: value, Nodes: nodes[value]})
	}
	return result, nil
}

// topologyKey returns the label that the group's pods are to have in common. The API allows for one.
func topologyKey(group fwk.PodGroupInfo) (string, bool) {
	object := group.GetPodGroup()
	if object == nil || object.Spec.SchedulingConstraints == nil || len(object.Spec.SchedulingConstraints.Topology) == 0 {
		return "", false
	}
	return object.Spec.SchedulingConstraints.Topology[0].Key, true
}

// domainOf returns the domain in which pods are; of no pods, "".
func (p *Plugin) domainOf(pods []*corev1.Pod, label string) (string, error) {
	common := ""
	for _, pod := range pods {
		node, err := p.handle.SnapshotSharedLister().NodeInfos().Get(pod.Spec.NodeName)
		if err != nil {
			return "", fmt.Errorf("getting node for pod %v: %w", klog.KObj(pod), err)
		}
		domain, labelled := node.Node().Labels[label]
		if !labelled {
			return "", fmt.Errorf("no topology domain found for pod %v", klog.KObj(pod))
		}
		if common != "" && common != domain {
			return "", fmt.Errorf("more than 1 domain found for pod group: %v, %v", common, domain)
		}
		common = domain
	}
	return common, nil
}
