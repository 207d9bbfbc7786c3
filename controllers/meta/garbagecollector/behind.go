package garbagecollector

import (
	"context"
	"strconv"

	"github.com/orrery-dev/orrery/framework/activity"
)

var _ activity.Cache = (*monitors)(nil)

// Behind implements activity.Cache. A reflector says that it has an event when the graph has it and the loop has been woken.
func (ms *monitors) Behind(written activity.Revisions) string {
	for _, m := range ms.all() {
		if m.revision() < written.Of(m.kind.GroupKind()) {
			return "the graph of owners, for " + m.kind.GroupKind().String()
		}
	}
	return ""
}

// Compare implements activity.Cache. All that is written of a kind that is watched is the graph's concern.
func (*monitors) Compare(context.Context, activity.Revisions) {}

// revision is that of the last event that the graph has; 0 if it has none.
func (m *monitor) revision() uint64 {
	revision, err := strconv.ParseUint(m.reflector.LastSyncResourceVersion(), 10, 64)
	if err != nil {
		return 0 // it has not listed yet
	}
	return revision
}
