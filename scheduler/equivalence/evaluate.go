package equivalence

import (
	"context"
	"errors"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// result is what the local plugins say of a node.
type result struct {
	status   *fwk.Status // nil: it fits
	position int
	done     bool
	err      error
}

// evaluate asks the plugins about the nodes, side by side, and notes what they say.
func (t *Class) evaluate(ctx context.Context, a Attempt, batch []int32) error {
	width := t.scores.Len()
	results, raws := make([]result, len(batch)), make([]int64, len(batch)*width)
	nodes := a.Snapshot.Nodes()
	t.profile.Compute(ctx, len(batch), framework.Filter, func(i int) bool {
		number := int(batch[i])
		results[i] = t.evaluateNode(ctx, a, number, nodes[number], raws[i*width:(i+1)*width])
		return results[i].err == nil
	})
	for i := range results {
		if err := results[i].err; err != nil {
			return err
		}
	}
	for i := range results {
		if !results[i].done {
			return errors.Join(errors.New("filtering nodes ended early"), context.Cause(ctx))
		}
		number := int(batch[i])
		t.set(number, nodes[number], results[i].status, results[i].position, raws[i*width:(i+1)*width])
	}
	return nil
}

func (t *Class) evaluateNode(ctx context.Context, a Attempt, number int, node fwk.NodeInfo, raw []int64) result {
	j := result{done: true}
	if _, nominated := t.nominated.nodes[number]; nominated {
		j.status = t.profile.RunFilterPluginsWithNominatedPods(ctx, a.State, a.Pod, node)
	} else {
		j.status, j.position = t.profile.RunLocalFilters(ctx, a.State, a.Pod, node)
	}
	switch {
	case j.status.IsError():
		j.err = j.status.AsError()
	case j.status.IsSuccess():
		j.status = nil
		j.err = t.scores.Score(ctx, a.State, a.Pod, node, raw)
	}
	return j
}
