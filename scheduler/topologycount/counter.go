package topologycount

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Counter keeps counts between decisions. The zero value is not usable; see New.
type Counter struct {
	mutex      sync.Mutex
	nodes      nodeList
	latest     *Snapshot // of the version of nodes
	topologies map[Topology]*topology
	queries    queries
	existing   existingTerms
	pods       podIndex
}

// New returns a Counter that knows nothing.
func New() *Counter {
	c := &Counter{pods: newPodIndex()}
	c.forget()
	return c
}

// forget drops all counts, and keeps the nodes.
func (c *Counter) forget() {
	c.topologies, c.queries, c.existing = map[Topology]*topology{}, newQueries(), newExistingTerms()
}

// Snapshot returns the cluster as the nodes show it now. They must not change while it is asked for counts; to ask what was
// counted it does not matter. Where the lister is a *cache.Snapshot, this costs as much as there are nodes that changed;
// otherwise it looks at the generation of each.
//
// parallelize is used to look at many nodes at once; nil looks at one after the other.
func (c *Counter) Snapshot(nodes fwk.NodeInfoLister, parallelize Parallelize) (*Snapshot, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := c.update(nodes); err != nil {
		return nil, err
	}
	return &Snapshot{counter: c, lister: nodes, parallelize: parallelize, version: c.nodes.version, nodeIndex: c.latest.nodeIndex}, nil
}

// update makes the nodes those that everything is counted for.
func (c *Counter) update(nodes fwk.NodeInfoLister) error {
	before := c.nodes.version
	if err := c.nodes.update(nodes); err != nil {
		return err
	}
	if c.nodes.version == before && c.latest != nil {
		return nil
	}
	for _, slot := range c.nodes.changed() {
		for _, topology := range c.topologies {
			topology.set(slot, c.nodes.nodes.at(slot))
		}
	}
	for _, topology := range c.topologies {
		// Values of nodes that have gone keep their numbers. Before they are too many, all is counted anew.
		if topology.values.count() > 1024+2*len(c.nodes.list) {
			c.forget()
			break
		}
	}
	c.latest = &Snapshot{nodeIndex: nodeIndex{slots: c.nodes.slots, list: c.nodes.list, slotAt: c.nodes.slotAt, nodes: c.nodes.nodes.freeze()}}
	return nil
}

// topology returns a topology for one more user.
func (c *Counter) topology(of Topology) *topology {
	t, known := c.topologies[of]
	if !known {
		t = newTopology(of)
		for slot := range c.nodes.generations {
			t.set(int32(slot), c.nodes.nodes.at(int32(slot)))
		}
		c.topologies[of] = t
	}
	t.users++
	return t
}

// drop says that a topology has one user less.
func (c *Counter) drop(t *topology) {
	if t.users--; t.users == 0 {
		delete(c.topologies, t.of)
	}
}

// Snapshot is the nodes of a cluster at one moment, as counts see them.
type Snapshot struct {
	nodeIndex
	counter     *Counter
	lister      fwk.NodeInfoLister
	parallelize Parallelize
	version     int64
}

// nodeIndex knows the slots of nodes. It never changes.
type nodeIndex struct {
	slots  map[string]int32
	list   []fwk.NodeInfo
	slotAt []int32 // by position in the list
	nodes  frozen[*corev1.Node]
}

// NodeRef refers to a node in counts.
type NodeRef struct {
	slot int32 // nowhere for a node that is not among those of the snapshot
	node *corev1.Node
}

// Ref finds a node, which may be a copy that differs in its pods, as a trial makes one. A node that the snapshot does not
// know as it is here can be referred to all the same: its labels say which domains it is in.
func (p *nodeIndex) Ref(info fwk.NodeInfo) NodeRef {
	node := info.Node()
	if own, ok := info.(*nodeinfo.NodeInfo); ok {
		if number := own.Number(); number < len(p.list) && p.list[number] == info && p.nodes.at(p.slotAt[number]) == node {
			return NodeRef{slot: p.slotAt[number], node: node}
		}
	}
	if slot, known := p.slots[node.Name]; known && p.nodes.at(slot) == node {
		return NodeRef{slot: slot, node: node}
	}
	return NodeRef{slot: nowhere, node: node}
}

// NodeRefs refers to each node on a list.
type NodeRefs struct {
	snapshot *Snapshot
	nodes    []fwk.NodeInfo
	slots    []int32 // nil where the list is not the snapshot's
}

// Refs refers to listed nodes. Where the list is the one that the snapshot was made of, this costs no look-up.
func (s *Snapshot) Refs(nodes []fwk.NodeInfo) NodeRefs {
	p := NodeRefs{snapshot: s, nodes: nodes}
	if len(nodes) == len(s.list) && len(nodes) > 0 && &nodes[0] == &s.list[0] {
		p.slots = s.slotAt
	}
	return p
}

// At refers to a node by its number on the list. As long as Count.At is all that it is used for, it is what
// Snapshot.Ref returns.
func (p *NodeRefs) At(number int) NodeRef {
	if p.slots != nil {
		return NodeRef{slot: p.slots[number]}
	}
	return p.snapshot.Ref(p.nodes[number])
}

// Count returns what all nodes contribute to a query, added up by domain.
func (s *Snapshot) Count(query Query) (*Count, error) {
	c := s.counter
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := s.resume(); err != nil {
		return nil, err
	}
	key := queryKey{query.Name, query.Topology}
	t, known := c.queries.find(key)
	if !known {
		t = &queryCounts{query: query, version: never, domainCounts: domainCounts{topology: c.topology(query.Topology)}}
		for _, gone := range c.queries.add(key, t, len(c.nodes.list)) {
			c.drop(gone.topology)
		}
	}
	t.update(&c.nodes, &c.pods, s.parallelize)
	return t.count(), nil
}

// Terms returns the counts of the terms of a kind that pods on the nodes have and that match a pod, whose namespace has
// the given labels, added up by topology key. Terms that no pod has on a node with their topology key are left out.
func (s *Snapshot) Terms(kind Kind, pod *corev1.Pod, namespace labels.Set) ([]TermCount, error) {
	c := s.counter
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := s.resume(); err != nil {
		return nil, err
	}
	c.existing.update(&c.nodes, c.topology, c.drop)
	return c.existing.matching(kind, pod, namespace), nil
}

// resume makes this the snapshot that is counted for, in case the Counter was used for another meanwhile.
func (s *Snapshot) resume() error {
	if s.counter.nodes.version == s.version {
		return nil
	}
	if err := s.counter.update(s.lister); err != nil {
		return err
	}
	s.version = s.counter.nodes.version
	s.nodeIndex = s.counter.latest.nodeIndex
	return nil
}
