package apiserver

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"github.com/orrery-dev/orrery/apis"
)

// Where groups stand in discovery. Those of custom resources have 1000, and are among each other in the order of the alphabet;
// kubectl takes a resource's name without a group for that of the first group which has it.
const (
	// betaPriority is that of a group of Kubernetes whose kinds are off by default elsewhere: what somebody installs under the
	// same name is found first, as on any cluster.
	betaPriority = 900
	// secondNamePriority is that of our groups: no name without a group ever means the second name of anything.
	secondNamePriority = 100
)

// orderDiscovery puts the groups of second names, and of kinds that other clusters do not serve, behind all others.
func orderDiscovery(config *app.Config) {
	priorities := map[string]int{"scheduling.k8s.io": betaPriority} // PodGroups and Workloads: see servePodGroups
	for _, kind := range apis.Kinds() {
		priorities[kind.GroupVersionKind(apis.Orrery).Group] = secondNamePriority
	}
	// All servers of the chain add to one document.
	ordered := &orderedGroups{ResourceManager: config.Aggregator.GenericConfig.AggregatedDiscoveryGroupManager, priorities: priorities}
	config.Aggregator.GenericConfig.AggregatedDiscoveryGroupManager = ordered
	config.KubeAPIs.ControlPlane.Generic.AggregatedDiscoveryGroupManager = ordered
	config.ApiExtensions.GenericConfig.AggregatedDiscoveryGroupManager = ordered
}

// orderedGroups is upstream's discovery document with other places for some groups.
type orderedGroups struct {
	aggregated.ResourceManager
	priorities map[string]int
}

// SetGroupVersionPriority implements aggregated.ResourceManager.
func (o *orderedGroups) SetGroupVersionPriority(gv metav1.GroupVersion, group, version int) {
	if priority, ok := o.priorities[gv.Group]; ok {
		group = priority
	}
	o.ResourceManager.SetGroupVersionPriority(gv, group, version)
}

// WithSource implements aggregated.ResourceManager.
func (o *orderedGroups) WithSource(source aggregated.Source) aggregated.ResourceManager {
	return &orderedGroups{ResourceManager: o.ResourceManager.WithSource(source), priorities: o.priorities}
}
