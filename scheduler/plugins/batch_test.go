package plugins_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// sameInBatch holds that a plugin which can filter and score all nodes in one call says of each the same as upstream's,
// after both have been observed.
func sameInBatch(t *testing.T, w *cluster, plugin fwk.Plugin, snapshot fwk.SharedLister, state fwk.CycleState, want observed) {
	t.Helper()
	all, err := snapshot.NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	if filter, can := plugin.(framework.BatchFilterPlugin); can && want.PreFilter.Code == fwk.Success.String() {
		if diff := cmp.Diff(want.Filter, filteredInBatch(t.Context(), t, w, filter, state, all)); diff != "" {
			t.Fatalf("upstream (-) and ours, asked in a batch (+), differ:\n%s", diff)
		}
	}
	if scorer, can := plugin.(framework.BatchScorePlugin); can && want.PreScore.Code == fwk.Success.String() {
		numbers, scores := make([]int32, len(all)), make(fwk.NodeScoreList, len(all))
		for i := range all { // From the last to the first: a number is not a place among those that are asked for.
			numbers[i] = int32(len(all) - 1 - i)
		}
		if err := scorer.ScoreAll(t.Context(), state, w.pod, all, numbers, scores); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for i, number := range numbers {
			got[all[number].Node().Name] = scores[i].Score
		}
		if diff := cmp.Diff(want.Scores, got); diff != "" {
			t.Fatalf("upstream (-) and ours, asked in a batch (+), differ in scores:\n%s", diff)
		}
	}
}

func filteredInBatch(ctx context.Context, t *testing.T, w *cluster, filter framework.BatchFilterPlugin, state fwk.CycleState, all []fwk.NodeInfo) map[string]verdict {
	t.Helper()
	refused := make([]uint8, len(all))
	statuses, err := filter.FilterAll(ctx, state, w.pod, all, refused)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]verdict{}
	for number, node := range all {
		var status *fwk.Status
		if refused[number] > 0 {
			status = statuses[refused[number]-1]
		}
		got[node.Node().Name] = verdictOf(status)
	}
	return got
}
