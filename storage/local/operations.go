package local

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// operations are the volumes and snapshots that something is being done with.
type operations struct {
	mu sync.Mutex
	// busy are those that something is being done with, copied of how many of them copies are being made, and deleted those that are.
	busy    map[string]bool
	copied  map[string]int
	deleted map[string]bool
}

// operation is something that is done with a volume or snapshot.
type operation struct {
	// id is what it is done with. Nothing else is done to that meanwhile.
	id string
	// source is what id is made a copy of, and so must not be deleted meanwhile; empty for none. Pods may come and go with it.
	source string
	// deletes says that id will be no more.
	deletes bool
}

// volume and snapshot are IDs among operations: a volume and a snapshot may have the same.
func volumeID(id string) string   { return "volume " + id }
func snapshotID(id string) string { return "snapshot " + id }

// begin says why an operation cannot be done now; nil means that it is under way until end.
func (o *operations) begin(op operation) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.busy[op.id]:
		return status.Errorf(codes.Aborted, "an operation with %s is under way", op.id)
	case o.deleted[op.source]:
		return status.Errorf(codes.Aborted, "%s is being deleted", op.source)
	case op.deletes && o.copied[op.id] > 0:
		return status.Errorf(codes.Aborted, "%s is being copied", op.id)
	}
	if o.busy == nil {
		o.busy, o.copied, o.deleted = map[string]bool{}, map[string]int{}, map[string]bool{}
	}
	o.busy[op.id] = true
	if op.source != "" {
		o.copied[op.source]++
	}
	if op.deletes {
		o.deleted[op.id] = true
	}
	return nil
}

func (o *operations) end(op operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.busy, op.id)
	delete(o.deleted, op.id)
	if o.copied[op.source]--; o.copied[op.source] <= 0 {
		delete(o.copied, op.source)
	}
}

// do does something, with nothing else done meanwhile that would harm it. When ctx ends before, it goes on.
func (o *operations) do(ctx context.Context, op operation, do func(context.Context) error) error {
	if err := o.begin(op); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		err := do(context.WithoutCancel(ctx))
		o.end(op) // before the caller learns of it, who may go on at once
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
