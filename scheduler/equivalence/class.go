package equivalence

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Class is pods that are alike to the local plugins, with what these said of each node.
type Class struct {
	key         string
	profile     *framework.Framework
	nominations framework.Nominations
	state       *framework.ClassState // nil: pods of this class go the ordinary way
	scores      framework.LocalScores

	started  bool
	version  cache.Version
	names    framework.Names
	verdicts *framework.Verdicts
	raw      []int64 // by node and plugin
	byTotal  maxTree
	// fits says that a node counts among those that fit; pending that it is to be looked at (again).
	fits, pending []bool
	todo          []int32 // the pending nodes; the last comes first
	fresh, stale  int     // nodes that fit: those that are not pending, and those that are
	feasible      feasible
	moved         []int32 // nodes whose totals are to be added up
	plugins       pluginScores
	nominated     nominated
	withOthers    bool // when it was last used, plugins that are not local filtered as well
}

func newClass(ctx context.Context, key string, profile *framework.Framework, nominations framework.Nominations, pod *corev1.Pod) *Class {
	t := &Class{key: key, profile: profile, nominations: nominations}
	if shared, ok := profile.ClassState(ctx, pod); ok {
		t.state, t.scores = shared, profile.LocalScores(shared)
	}
	return t
}

// bytes is about how much memory the class takes.
func (t *Class) bytes() int {
	const perNode = 4 + 2*24 + 2 + 4 + 24
	return 512 + len(t.key) + len(t.fits)*(perNode+8*t.scores.Len())
}

// State is what the cycle state of a pod of this class adopts before anything else.
func (t *Class) State() *framework.ClassState { return t.state }

// Attempt is one pod's use of its class.
type Attempt struct {
	State    *framework.CycleState
	Pod      *corev1.Pod
	Snapshot *cache.Snapshot
	// Enough is how many nodes that are not known may be looked at while that many are known to fit.
	Enough int
	// Start is the number of the node to begin with when none is known.
	Start int
	// OtherFilters says that plugins which are not local filter as well. Then nodes that other pods are nominated to are
	// not looked at, because all filters have to see them together. With Batch, they are looked at with all filters, anew
	// for each pod.
	OtherFilters, Batch bool
	// more says that it is the same pod that was not content with what the class knew.
	more bool
}

// Update brings a class up to date: afterwards it knows all nodes, or enough. An error is that of a plugin.
func (c *Cache) Update(ctx context.Context, class *Class, attempt Attempt) error {
	before := class.bytes()
	err := class.update(ctx, attempt)
	if err != nil {
		class.started = false
	}
	c.resized(class, before)
	return err
}

func (t *Class) update(ctx context.Context, a Attempt) error {
	changed, known := a.Snapshot.ChangedSince(t.version)
	if !t.started || !known {
		t.start(a)
	} else {
		t.renumber(a)
		for _, number := range changed {
			t.markPending(number)
		}
	}
	t.version = a.Snapshot.Version()
	t.readNominations(a)
	if (t.withOthers || a.OtherFilters) && !a.more {
		for number := range t.nominated.nodes {
			t.markPending(number)
		}
	}
	t.withOthers = a.OtherFilters
	if err := t.evaluatePending(ctx, a); err != nil {
		return err
	}
	return t.addUp(ctx, a)
}

// start forgets everything.
func (t *Class) start(a Attempt) {
	nodes := len(a.Snapshot.Nodes())
	t.names = a.Snapshot.Names()
	t.verdicts = framework.NewVerdicts(t.names)
	t.raw = make([]int64, nodes*t.scores.Len())
	t.byTotal = newMaxTree(nodes)
	t.fits, t.pending = make([]bool, nodes), make([]bool, nodes)
	t.fresh, t.stale = 0, 0
	t.feasible = newFeasible(nodes)
	t.plugins = newPluginScores(t.scores)
	t.nominated = nominated{version: -1}
	t.todo, t.moved = make([]int32, nodes), t.moved[:0]
	for i := range t.todo {
		t.todo[nodes-1-i] = int32((a.Start + i) % nodes)
		t.pending[i] = true
	}
	t.started = true
}

// markPending marks a node as one to be looked at.
func (t *Class) markPending(number int) {
	if number >= len(t.pending) || t.pending[number] {
		return // It is gone, or marked.
	}
	t.pending[number] = true
	t.todo = append(t.todo, int32(number))
	if t.fits[number] {
		t.fresh--
		t.stale++
	}
}

// evaluatePending looks at pending nodes, until there are no more or enough was seen.
func (t *Class) evaluatePending(ctx context.Context, a Attempt) error {
	var aside []int32
	for examined := 0; ; {
		want := max(a.Enough-examined, a.Enough-t.fresh)
		batch := t.next(want, a, &aside)
		if len(batch) == 0 {
			break
		}
		if err := t.evaluate(ctx, a, batch); err != nil {
			return err
		}
		examined += len(batch)
	}
	t.todo = append(t.todo, aside...)
	for i := 0; t.stale > 0 && i < len(t.todo); i++ {
		t.takeOut(int(t.todo[i])) // What was known of it may be wrong.
	}
	return nil
}

// next takes up to a number of nodes from those that are pending.
func (t *Class) next(want int, a Attempt, aside *[]int32) []int32 {
	if !a.OtherFilters || a.Batch || len(t.nominated.nodes) == 0 {
		from := max(len(t.todo)-max(want, 0), 0)
		batch := t.todo[from:]
		t.todo = t.todo[:from]
		return batch
	}
	var batch []int32
	for len(batch) < want && len(t.todo) > 0 {
		last := t.todo[len(t.todo)-1]
		t.todo = t.todo[:len(t.todo)-1]
		if _, nominated := t.nominated.nodes[int(last)]; nominated {
			*aside = append(*aside, last)
		} else {
			batch = append(batch, last)
		}
	}
	return batch
}

// set notes what is known of a node now. A nil status means that it fits.
func (t *Class) set(number int, info fwk.NodeInfo, status *fwk.Status, position int, raw []int64) {
	own := t.rawOf(number)
	if t.fits[number] {
		t.stale--
		t.plugins.remove(own)
		t.feasible.update(number, info)
	}
	t.pending[number] = false
	copy(own, raw)
	if status != nil {
		t.verdicts.Refuse(number, status, position)
		if t.fits[number] {
			t.fits[number] = false
			t.feasible.remove(number)
			t.byTotal.set(number, noTotal)
		}
		return
	}
	t.fresh++
	t.plugins.add(own)
	t.moved = append(t.moved, int32(number))
	if !t.fits[number] {
		t.fits[number] = true
		t.verdicts.Clear(number)
		t.feasible.add(number, info)
	}
}

// takeOut ends the part that a pending node takes.
func (t *Class) takeOut(number int) {
	if !t.fits[number] {
		return
	}
	t.fits[number] = false
	t.stale--
	t.plugins.remove(t.rawOf(number))
	t.feasible.remove(number)
	t.byTotal.set(number, noTotal)
}

func (t *Class) rawOf(number int) []int64 {
	width := t.scores.Len()
	return t.raw[number*width : (number+1)*width : (number+1)*width]
}
