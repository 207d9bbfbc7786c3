package topologycount

import (
	"context"

	fwk "k8s.io/kube-scheduler/framework"
)

// Reader is how a plugin reads a Counter: for the snapshot of its profile, on that profile's goroutines.
type Reader struct {
	counter  *Counter
	snapshot fwk.SharedLister
	parallel func() fwk.Parallelizer
	plugin   string
}

// ReaderFor returns the Reader of a plugin that was given the handle.
func (c *Counter) ReaderFor(plugin string, handle fwk.Handle) Reader {
	return Reader{counter: c, snapshot: handle.SnapshotSharedLister(), parallel: handle.Parallelizer, plugin: plugin}
}

// Nodes returns the nodes of the snapshot.
func (r *Reader) Nodes() fwk.NodeInfoLister { return r.snapshot.NodeInfos() }

// Snapshot returns the cluster as the snapshot shows it.
func (r *Reader) Snapshot(ctx context.Context) (*Snapshot, error) {
	return r.counter.Snapshot(r.Nodes(), ParallelizeWith(ctx, r.parallel(), r.plugin))
}
