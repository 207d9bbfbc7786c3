package defaultpreemption

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// memory keeps what was found out of nodes for the pods of one class. Preemptors come in crowds, such as the replicas of a
// workload that a full cluster has no room for, and from one to the next a single node changes: the one that the last
// was nominated to.
//
// What was found holds as long as all that it followed from: the class and the priority of the preemptor, the budgets, the
// number of nodes, and of the node its generation and the pods nominated to it. Nothing is kept for a preemptor that a
// plugin looks beyond the node for, of a node that the preemptor itself is nominated to (for others it counts there), or
// of one with members of pod groups, whose priorities are elsewhere.
//
// Who plans holds the mutex all the time.
type memory struct {
	mutex    sync.Mutex
	key      []byte
	nodes    int
	budgets  []*policyv1.PodDisruptionBudget
	outcomes map[string]remembered
}

// remembered is what was found out of a node, and of which state of it.
type remembered struct {
	generation, nominations int64
	outcome
	isNew bool // it was found out just now, and can be kept
}

// classifier is what a handle can tell of pods that are alike. That of a framework from elsewhere may not.
type classifier interface {
	AppendEquivalenceKey(ctx context.Context, key []byte, pod *corev1.Pod) ([]byte, bool)
	OthersFilter(state fwk.CycleState) bool
	Nominations() (framework.Nominations, bool)
}

// recollection is one preemptor's use of the memory. Nil remembers nothing.
type recollection struct {
	*memory
	nominations framework.Nominations
	own         string // the node that the preemptor is nominated to
}

// recall returns the memory for pods like the one that t is about, emptied if it was of others.
func (p *Plugin) recall(t *try, budgets []*policyv1.PodDisruptionBudget) *recollection {
	handle, able := p.handle.(classifier)
	if !able || handle.OthersFilter(t.state) {
		return nil
	}
	nominations, able := handle.Nominations()
	if !able {
		return nil
	}
	key, able := handle.AppendEquivalenceKey(t.ctx, nil, t.pod)
	if !able {
		return nil
	}
	key = framework.AppendNumber(key, int64(t.priority))
	m := &p.memory
	if m.outcomes == nil || !slices.Equal(key, m.key) || m.nodes != len(t.nodes) || !slices.Equal(budgets, m.budgets) {
		m.key, m.nodes, m.budgets, m.outcomes = key, len(t.nodes), budgets, map[string]remembered{}
	}
	return &recollection{memory: m, nominations: nominations, own: p.api.Nominated(t.pod)}
}

// find returns what is known of a node in its present state, or else finds it out. Any number of goroutines can do so.
func (r *recollection) find(node fwk.NodeInfo, findOut func(fwk.NodeInfo) outcome) remembered {
	if r == nil {
		return remembered{outcome: findOut(node)}
	}
	name := node.Node().Name
	now := remembered{generation: node.GetGeneration(), nominations: r.nominations.NominationVersion(name)}
	known, found := r.outcomes[name]
	if found && name != r.own && known.generation == now.generation && known.nominations == now.nominations {
		return known
	}
	now.outcome = findOut(node)
	now.isNew = name != r.own && !now.status.IsError() && !slices.ContainsFunc(node.GetPods(), grouped)
	return now
}

// keep remembers what has been found out.
func (r *recollection) keep(nodes []fwk.NodeInfo, found []remembered) {
	for i := range found {
		if found[i].isNew {
			found[i].isNew = false
			r.outcomes[nodes[i].Node().Name] = found[i]
		}
	}
}

func grouped(pod fwk.PodInfo) bool { return pod.GetPod().Spec.SchedulingGroup != nil }
