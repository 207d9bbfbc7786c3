// Package simulate runs the real scheduler on a copy of a cluster in memory, to answer what would happen.
//
//	simulation := simulate.New(simulate.Options{Origin: origin, Configuration: configuration})
//	err := simulation.AddNodes(ctx, nodes...)
//	outcome, err := simulation.Run(ctx, pods)
//
// The queue, the plugins, the cycle and preemption are those of package scheduler, with the configuration that is given;
// only the API server is another one, a replica. Nothing that is written here can reach the cluster: see package replica.
//
// In place of the controllers that a cluster has, a simulation binds volumes as soon as the scheduler has chosen, and
// deletes victims of preemption at once. It creates no pods by itself: Expand makes those of workloads.
package simulate
