package tally

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Keeper keeps counts between decisions. The zero value is not usable; see New.
type Keeper struct {
	mutex      sync.Mutex
	roll       roll
	moment     *Moment // of the roll's version
	topologies map[Topology]*topology
	questions  questions
	census     census
}

// New returns a Keeper that knows nothing.
func New() *Keeper {
	k := &Keeper{}
	k.forget()
	return k
}

// forget drops all counts, and keeps the nodes.
func (k *Keeper) forget() {
	k.topologies, k.questions, k.census = map[Topology]*topology{}, newQuestions(), newCensus()
}

// At returns the cluster as the nodes show it now. They must not change while it is asked for counts; to ask what was
// counted it does not matter. Where the lister is a *cache.Snapshot, this costs as much as there are nodes that changed;
// otherwise it looks at the generation of each.
//
// spread is used to ask many nodes at once; nil asks one after the other.
func (k *Keeper) At(nodes fwk.NodeInfoLister, spread Spread) (*Moment, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if err := k.turn(nodes); err != nil {
		return nil, err
	}
	return &Moment{keeper: k, lister: nodes, spread: spread, version: k.roll.version, places: k.moment.places}, nil
}

// turn makes the nodes those that everything is counted for.
func (k *Keeper) turn(nodes fwk.NodeInfoLister) error {
	before := k.roll.version
	if err := k.roll.turn(nodes); err != nil {
		return err
	}
	if k.roll.version == before && k.moment != nil {
		return nil
	}
	for _, slot := range k.roll.changed() {
		for _, topology := range k.topologies {
			topology.set(slot, k.roll.nodes.at(slot))
		}
	}
	for _, topology := range k.topologies {
		// Values of nodes that have gone keep their numbers. Before they are too many, all is counted anew.
		if topology.values.count() > 1024+2*len(k.roll.list) {
			k.forget()
			break
		}
	}
	k.moment = &Moment{places: places{slots: k.roll.slots, list: k.roll.list, slotAt: k.roll.slotAt, nodes: k.roll.nodes.freeze()}}
	return nil
}

// topology returns a topology for one more user.
func (k *Keeper) topology(of Topology) *topology {
	t, known := k.topologies[of]
	if !known {
		t = newTopology(of)
		for slot := range k.roll.generations {
			t.set(int32(slot), k.roll.nodes.at(int32(slot)))
		}
		k.topologies[of] = t
	}
	t.users++
	return t
}

// drop says that a topology has one user less.
func (k *Keeper) drop(t *topology) {
	if t.users--; t.users == 0 {
		delete(k.topologies, t.of)
	}
}

// Moment is the nodes of a cluster at one moment.
type Moment struct {
	places
	keeper  *Keeper
	lister  fwk.NodeInfoLister
	spread  Spread
	version int64
}

// places knows the slots of nodes. It never changes.
type places struct {
	slots  map[string]int32
	list   []fwk.NodeInfo
	slotAt []int32 // by place in the list
	nodes  frozen[*corev1.Node]
}

// Place is where a node is found in counts.
type Place struct {
	slot int32 // nowhere for a node that is not among those of the moment
	node *corev1.Node
}

// Place finds a node, which may be a copy that differs in its pods, as a trial makes one. A node that the moment does not
// know as it is here has a place all the same: its labels say which domains it is in.
func (p *places) Place(info fwk.NodeInfo) Place {
	node := info.Node()
	if own, ok := info.(*nodeinfo.NodeInfo); ok {
		if number := own.Number(); number < len(p.list) && p.list[number] == info && p.nodes.at(p.slotAt[number]) == node {
			return Place{slot: p.slotAt[number], node: node}
		}
	}
	if slot, known := p.slots[node.Name]; known && p.nodes.at(slot) == node {
		return Place{slot: slot, node: node}
	}
	return Place{slot: nowhere, node: node}
}

// Places knows the place of each node on a list.
type Places struct {
	moment *Moment
	nodes  []fwk.NodeInfo
	slots  []int32 // nil where the list is not the moment's
}

// Places returns the places of listed nodes. Where the list is the one that the moment was made of, they cost no look-up.
func (m *Moment) Places(nodes []fwk.NodeInfo) Places {
	p := Places{moment: m, nodes: nodes}
	if len(nodes) == len(m.list) && len(nodes) > 0 && &nodes[0] == &m.list[0] {
		p.slots = m.slotAt
	}
	return p
}

// At returns the place of a node by its number on the list. As long as Count.At is all that it is used for, it is what
// Moment.Place returns.
func (p *Places) At(number int) Place {
	if p.slots != nil {
		return Place{slot: p.slots[number]}
	}
	return p.moment.Place(p.nodes[number])
}

// Count returns the answers of all nodes to a question, added up.
func (m *Moment) Count(question Question) (*Count, error) {
	k := m.keeper
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if err := m.resume(); err != nil {
		return nil, err
	}
	key := questionKey{question.Name, question.Topology}
	t, known := k.questions.find(key)
	if !known {
		t = &tally{question: question, version: never, sums: sums{topology: k.topology(question.Topology)}}
		for _, gone := range k.questions.add(key, t, len(k.roll.list)) {
			k.drop(gone.topology)
		}
	}
	t.catchUp(&k.roll, m.spread)
	return t.count(), nil
}

// Terms returns the counts of the terms of a kind that pods on the nodes have and that match a pod, whose namespace has
// the given labels. Terms that no pod has on a node with their topology key are left out.
func (m *Moment) Terms(kind Kind, pod *corev1.Pod, namespace labels.Set) ([]TermCount, error) {
	k := m.keeper
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if err := m.resume(); err != nil {
		return nil, err
	}
	k.census.catchUp(&k.roll, k.topology, k.drop)
	return k.census.matching(kind, pod, namespace), nil
}

// resume makes this the moment that is counted for, in case the Keeper was used for another meanwhile.
func (m *Moment) resume() error {
	if m.keeper.roll.version == m.version {
		return nil
	}
	if err := m.keeper.turn(m.lister); err != nil {
		return err
	}
	m.version = m.keeper.roll.version
	m.places = m.keeper.moment.places
	return nil
}
