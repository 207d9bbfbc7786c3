package topologycount

import (
	"container/list"
	"context"

	fwk "k8s.io/kube-scheduler/framework"
)

// Query says what is counted.
type Query struct {
	// Name tells queries apart: those of one name and topology must get the same counts.
	Name string
	// Topology says for which nodes it is added up.
	Topology Topology
	// Count returns what a node contributes, and whether the node counts at all: a domain without any such node does not
	// count either. It is called by several goroutines, and depends on nothing but the NodeInfo. It may be kept for long.
	Count func(node fwk.NodeInfo) (number int64, counts bool)
	// Of, where there are any, says that only those nodes count which have pods of each of these kinds. Then the query is
	// quick also when it is made for the first time.
	Of []PodsWith
}

// queryCounts is a query and what each node contributes to it.
type queryCounts struct {
	domainCounts
	query       Query
	version     int64
	generations []int64 // by slot: what was looked at
	counts      []int64 // by slot
	domains     []int32 // by slot: where the count was added; nowhere if it was not
}

// minParallel is how many nodes to look at are worth several goroutines.
const minParallel = 256

// Parallelize calls work for 0 to pieces-1, possibly on several goroutines, and returns when all are done.
type Parallelize func(pieces int, work func(piece int))

// ParallelizeWith returns a Spread over the goroutines of a parallelizer. operation labels them in the metrics. That ctx
// ends does not stop it: counting half of the nodes would be worse than being late.
func ParallelizeWith(ctx context.Context, parallelizer fwk.Parallelizer, operation string) Parallelize {
	return func(pieces int, work func(piece int)) {
		parallelizer.Until(context.WithoutCancel(ctx), pieces, work, operation)
	}
}

// update looks at the nodes that changed, and the first time at all that may count.
func (t *queryCounts) update(r *nodeList, pods *podIndex, parallelize Parallelize) {
	t.grow(len(r.generations))
	if t.version == never && len(t.query.Of) > 0 {
		copy(t.generations, r.generations)
		t.version = r.version
		t.look(r, pods.slots(r, t.query.Of), parallelize)
		return
	}
	stale := r.scratch[:0]
	r.stale(t.version, t.generations, func(slot int32) { stale = append(stale, slot) })
	r.scratch, t.version = stale, r.version
	t.look(r, stale, parallelize)
}

// grow makes room for so many slots.
func (t *queryCounts) grow(slots int) {
	known := len(t.generations)
	if known == slots {
		return
	}
	t.generations = append(t.generations, make([]int64, slots-known)...)
	t.counts = append(t.counts, make([]int64, slots-known)...)
	t.domains = append(t.domains, make([]int32, slots-known)...)
	for slot := known; slot < slots; slot++ {
		t.domains[slot] = nowhere
	}
}

// look asks what nodes contribute.
func (t *queryCounts) look(r *nodeList, slots []int32, parallelize Parallelize) {
	if parallelize == nil || len(slots) < minParallel {
		for _, slot := range slots {
			t.set(r, slot, t.countOf(r, slot))
		}
		return
	}
	results := make([]nodeCount, len(slots))
	parallelize(len(results), func(i int) { results[i] = t.countOf(r, slots[i]) })
	for i, slot := range slots {
		t.set(r, slot, results[i])
	}
}

type nodeCount struct {
	number int64
	counts bool
}

func (t *queryCounts) countOf(r *nodeList, slot int32) nodeCount {
	info := r.info(slot)
	if info == nil || t.topology.domains[slot] == nowhere {
		return nodeCount{}
	}
	number, counts := t.query.Count(info)
	return nodeCount{number, counts}
}

// set replaces what a node contributes.
func (t *queryCounts) set(r *nodeList, slot int32, result nodeCount) {
	t.generations[slot] = r.generations[slot]
	domain := nowhere
	if result.counts {
		domain = t.topology.domains[slot]
	}
	if domain == t.domains[slot] && (domain == nowhere || result.number == t.counts[slot]) {
		return
	}
	t.add(t.domains[slot], -t.counts[slot], -1)
	t.add(domain, result.number, +1)
	t.counts[slot], t.domains[slot] = result.number, domain
}

// queries are those made last, with their counts.
type queries struct {
	byKey  map[queryKey]*list.Element // of *queryCounts
	recent *list.List                 // the same, most recently made first
}

type queryKey struct {
	name     string
	topology Topology
}

func newQueries() queries {
	return queries{byKey: map[queryKey]*list.Element{}, recent: list.New()}
}

// mostQueries returns how many queries are kept with that many nodes. Each takes up to 40 bytes a node, which is 170 MB for
// all of them in a large cluster, and less in a small one.
func mostQueries(nodes int) int { return min(max(1<<22/max(nodes, 1), 64), 4096) }

func (q *queries) find(key queryKey) (*queryCounts, bool) {
	element, found := q.byKey[key]
	if !found {
		return nil, false
	}
	q.recent.MoveToFront(element)
	return element.Value.(*queryCounts), true
}

// add adds a query, and returns those that have to go.
func (q *queries) add(key queryKey, t *queryCounts, nodes int) (gone []*queryCounts) {
	q.byKey[key] = q.recent.PushFront(t)
	for q.recent.Len() > mostQueries(nodes) {
		old := q.recent.Remove(q.recent.Back()).(*queryCounts)
		delete(q.byKey, queryKey{old.query.Name, old.query.Topology})
		gone = append(gone, old)
	}
	return gone
}
