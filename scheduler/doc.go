// Package scheduler assigns pending pods to nodes, as kube-scheduler does and with its plugins.
//
//	s, err := scheduler.New(scheduler.Options{Config: config, Scheme: scheme}, scheduler.WithPlugin("Mine", mine.New))
//	...
//	err = s.Run(ctx)
//
// The rooms of the house, in the order of a pod's way:
//
//	config/         reads a KubeSchedulerConfiguration
//	queue/          which pod is next, and when again
//	cache/          the cluster, with pods that are decided on
//	cycle/          decides and binds
//	bindqueue/      where pods wait to be bound, and decisions for them
//	framework/      runs plugins at their extension points
//	plugins/        what can be said of a pod and a node
//	equivalence/    what was said of nodes for pods that are alike
//	topologycount/  counts pods by topology domain, between decisions
//	preemption/     who has to go
//	podgroups/      the groups that go together
//	extender/       asks programs outside of it, over HTTP
//	explain/        why it came out so
//	simulate/       what would come out
//	apicalls/       the scheduler's own requests to the API server
//	status/         writes pods' status beside the loop
//	eventsink/      sends Events when there is time
//	clients/        plugins' way to the API server
//	dra/, csi/      devices and volumes, as plugins see them
//	volumeclaims/   which claims a pod uses
//	resources/, nodeinfo/, metrics/
//
// This package only wires them: it watches pods and nodes and tells cache and queue, and it writes what cannot be
// scheduled into the pod's status. Whether pods and nodes are Kubernetes' own or custom resources, the scheme says, and
// no code here depends on it.
//
// A Scheduler owns spec.nodeName, the condition PodScheduled while it is false, and status.nominatedNodeName of the pods
// whose spec.schedulerName is one of its profiles. It deletes pods that have to go for one of these, after giving them the
// condition DisruptionTarget. It touches no other pod and no node.
package scheduler
