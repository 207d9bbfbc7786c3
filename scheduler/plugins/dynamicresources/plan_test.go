package dynamicresources

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/structured"
	fwk "k8s.io/kube-scheduler/framework"
)

// answers is an allocator that gives the same answer for every node, or none before its context ends.
type answers struct {
	results []resourcev1.AllocationResult
	err     error
	never   bool
}

func (a answers) Allocate(ctx context.Context, _ *corev1.Node, _ []*resourcev1.ResourceClaim) ([]resourcev1.AllocationResult, error) {
	if a.never {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return a.results, a.err
}

func TestWhatBecomesOfTheAllocatorsAnswer(t *testing.T) {
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the pod was deleted"))
	for name, test := range map[string]struct {
		ctx     context.Context
		answer  answers
		code    fwk.Code
		message string
	}{
		"results are a plan": {
			answer: answers{results: make([]resourcev1.AllocationResult, 1)}, code: fwk.Success,
		},
		"no results refuse the node": {
			code: fwk.UnschedulableAndUnresolvable, message: "cannot allocate all claims",
		},
		"a reason of the node refuses it": {
			answer: answers{err: fmt.Errorf("%wnot all devices are published", structured.ErrFailedAllocationOnNode)},
			code:   fwk.UnschedulableAndUnresolvable, message: "not all devices are published",
		},
		"a broken claim ends the attempt": {
			answer: answers{err: errors.New("CEL compile error")}, code: fwk.Error, message: "CEL compile error",
		},
		"a search that takes too long ends the attempt, so that it is tried again": {
			answer: answers{never: true}, code: fwk.Error, message: "node node: timed out trying to allocate devices",
		},
		"a search that is called off refuses the node": {
			ctx: gone, answer: answers{never: true},
			code: fwk.UnschedulableAndUnresolvable, message: "asked by caller to stop allocating devices: the pod was deleted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.ctx == nil {
				test.ctx = t.Context()
			}
			w := &stateData{needs: []*need{{claim: aClaim()}}, allocator: test.answer}
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}
			_, status := w.plan(test.ctx, node, nil, time.Millisecond)
			if status.Code() != test.code || status.Message() != test.message {
				t.Errorf("the node got %s %q, want %s %q", status.Code(), status.Message(), test.code, test.message)
			}
		})
	}
}

func TestADeviceWithoutNodeOperationsNeedsANodeThatKnowsThem(t *testing.T) {
	allocation := allocationOf("a")
	allocation.Devices.Results[0].SkipNodeOperations = []resourcev1.SkipNodeOperation{"NodePrepareResources"}
	plain := &corev1.Node{}
	knowing := &corev1.Node{Status: corev1.NodeStatus{DeclaredFeatures: []string{"DRAOptionalNodeOperations"}}}
	for _, each := range []struct {
		allocation *resourcev1.AllocationResult
		node       *corev1.Node
		lacks      bool
	}{{allocation, plain, true}, {allocation, knowing, false}, {allocationOf("a"), plain, false}, {nil, plain, false}} {
		if got := lacksNodeOperations(each.allocation, each.node); got != each.lacks {
			t.Errorf("for %v, node features %q lack something: %v, want %v", each.allocation, each.node.Status.DeclaredFeatures, got, each.lacks)
		}
	}
}
