package nodeagent

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/eviction"
	"github.com/orrery-dev/orrery/nodeagent/host"
	"github.com/orrery-dev/orrery/nodeagent/imagegc"
	"github.com/orrery-dev/orrery/nodeagent/node"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// guard makes what keeps the node from running out of things.
func (a *Agent) guard(c *connection, one *oneNode, disk *host.Host) (err error) {
	o := &a.options
	a.images, err = imagegc.New(imagegc.Options{
		Settings: o.imageGC, Runtime: o.Runtime, Stats: one.stats, NodeEvent: a.nodeEvent, Clock: o.Clock, Log: o.Log,
	})
	if err != nil {
		return err
	}
	a.eviction, err = eviction.New(eviction.Options{
		Settings: o.eviction, EnforceAllocatable: a.groups != nil && o.allocatable.Enforces(node.EnforcePods), Agent: o.NodeName, Runtime: o.Runtime, Disk: disk, Stats: one.stats, Reclaim: reclaim{one.loop, a.images},
		Pods: one.loop.Pods, Evict: one.loop.Evict, Ended: one.loop.Ended,
		PodEvent: c.evictions(o.NodeName), NodeEvent: a.nodeEvent, Clock: o.Clock, Log: o.Log,
	})
	return err
}

// reclaim is what the node can do without.
type reclaim struct {
	*pods.Loop
	images *imagegc.Collector
}

// DeleteUnusedImages implements eviction.Reclaim.
func (r reclaim) DeleteUnusedImages(ctx context.Context) error {
	return r.images.DeleteUnusedImages(ctx)
}

// pressure are the conditions of what the node is short of. It is asked only once the agent was made.
func (a *Agent) pressure() []corev1.NodeConditionType { return a.eviction.Conditions() }

// underPressure refuses pods while the node is.
func (a *Agent) underPressure(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
	return a.eviction.Admit(pod, others)
}
