package tally

import (
	"container/list"

	fwk "k8s.io/kube-scheduler/framework"
)

// Question is what each node is asked.
type Question struct {
	// Name tells questions apart: those of one name and topology must get the same answers.
	Name string
	// Topology says which nodes' answers are added up.
	Topology Topology
	// Ask returns a node's answer, and whether the node counts at all: a domain without any such node does not count
	// either. It is called by several goroutines, and depends on nothing but the NodeInfo. It may be kept for long.
	Ask func(node fwk.NodeInfo) (answer int64, counts bool)
}

// tally is a question and the answers to it.
type tally struct {
	sums
	question    Question
	version     int64
	generations []int64 // by slot: what was asked
	answers     []int64 // by slot
	domains     []int32 // by slot: where the answer was added; nowhere if it was not
	stale       []int32 // slots to ask; kept for its memory
}

// worthSpreading is how many nodes to ask are worth several goroutines.
const worthSpreading = 256

// Spread calls work for 0 to pieces-1, possibly on several goroutines, and returns when all are done.
type Spread func(pieces int, work func(piece int))

// catchUp asks the nodes that changed.
func (t *tally) catchUp(r *roll, spread Spread) {
	for len(t.generations) < len(r.generations) {
		t.generations = append(t.generations, 0)
		t.answers = append(t.answers, 0)
		t.domains = append(t.domains, nowhere)
	}
	t.stale = t.stale[:0]
	r.stale(t.version, t.generations, func(slot int32) { t.stale = append(t.stale, slot) })
	t.version = r.version
	if spread == nil || len(t.stale) < worthSpreading {
		for _, slot := range t.stale {
			t.put(r, slot, t.ask(r, slot))
		}
		return
	}
	answers := make([]answer, len(t.stale))
	spread(len(answers), func(i int) { answers[i] = t.ask(r, t.stale[i]) })
	for i, slot := range t.stale {
		t.put(r, slot, answers[i])
	}
}

type answer struct {
	number int64
	counts bool
}

func (t *tally) ask(r *roll, slot int32) answer {
	info := r.info(slot)
	if info == nil || t.topology.domains[slot] == nowhere {
		return answer{}
	}
	number, counts := t.question.Ask(info)
	return answer{number, counts}
}

// put replaces a node's answer.
func (t *tally) put(r *roll, slot int32, answer answer) {
	t.generations[slot] = r.generations[slot]
	domain := nowhere
	if answer.counts {
		domain = t.topology.domains[slot]
	}
	if domain == t.domains[slot] && (domain == nowhere || answer.number == t.answers[slot]) {
		return
	}
	t.add(t.domains[slot], -t.answers[slot], -1)
	t.add(domain, answer.number, +1)
	t.answers[slot], t.domains[slot] = answer.number, domain
}

// questions are the tallies of the questions asked last.
type questions struct {
	tallies map[questionKey]*list.Element // of *tally
	recent  *list.List                    // the same, most recently asked first
}

type questionKey struct {
	name     string
	topology Topology
}

func newQuestions() questions {
	return questions{tallies: map[questionKey]*list.Element{}, recent: list.New()}
}

// most returns how many questions are kept with that many nodes: some 100 MB at the largest clusters, and the number of
// shapes that a small one may have.
func most(nodes int) int { return min(max(1<<22/max(nodes, 1), 64), 4096) }

func (q *questions) find(key questionKey) (*tally, bool) {
	element, found := q.tallies[key]
	if !found {
		return nil, false
	}
	q.recent.MoveToFront(element)
	return element.Value.(*tally), true
}

// add adds a tally, and returns those that have to go.
func (q *questions) add(key questionKey, t *tally, nodes int) (gone []*tally) {
	q.tallies[key] = q.recent.PushFront(t)
	for q.recent.Len() > most(nodes) {
		old := q.recent.Remove(q.recent.Back()).(*tally)
		delete(q.tallies, questionKey{old.question.Name, old.question.Topology})
		gone = append(gone, old)
	}
	return gone
}
