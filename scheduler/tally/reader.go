package tally

import (
	"context"

	fwk "k8s.io/kube-scheduler/framework"
)

// Reader is how a plugin reads a Keeper: for the snapshot of its profile, on that profile's goroutines.
type Reader struct {
	keeper   *Keeper
	snapshot fwk.SharedLister
	parallel func() fwk.Parallelizer
	plugin   string
}

// ReaderFor returns the Reader of a plugin that was given the handle.
func (k *Keeper) ReaderFor(plugin string, handle fwk.Handle) Reader {
	return Reader{keeper: k, snapshot: handle.SnapshotSharedLister(), parallel: handle.Parallelizer, plugin: plugin}
}

// Nodes returns the nodes of the snapshot.
func (r *Reader) Nodes() fwk.NodeInfoLister { return r.snapshot.NodeInfos() }

// Now returns the cluster as the snapshot shows it.
func (r *Reader) Now(ctx context.Context) (*Moment, error) {
	return r.keeper.At(r.Nodes(), SpreadOver(ctx, r.parallel(), r.plugin))
}
