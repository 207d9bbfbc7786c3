package cache

import (
	"maps"
	"slices"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// leastDrift is how many nodes come or go at least, and stepsOfDrift how many parts of all nodes are one of that, before all
// are numbered anew.
const (
	leastDrift   = 4
	stepsOfDrift = 8
)

// renumber takes in nodes that came and drops those that went, at the cost of these, as long as the order is good enough.
func (c *Cache) renumber(s *Snapshot) {
	moved, known := c.nodeTree.movedSince(s.orderVersion)
	if !known || s.names.Number == nil || s.drift+len(moved) > max(leastDrift, len(s.nodes)/stepsOfDrift) {
		c.relist(s)
		return
	}
	s.nodes = slices.Clone(s.nodes) // Who has the lists keeps them as they were.
	s.names = framework.Names{ByNumber: slices.Clone(s.names.ByNumber), Number: maps.Clone(s.names.Number)}
	for _, name := range moved {
		element, exists := c.nodes[name]
		exists = exists && element.Value.(*nodeinfo.NodeInfo).Node() != nil
		number, numbered := s.names.Number[name]
		switch {
		case exists && !numbered:
			s.append(name)
		case !exists && numbered:
			s.drop(number)
		}
	}
	s.drift += len(moved)
	s.orderVersion = c.nodeTree.version
}

// append gives a node that came the next number.
func (s *Snapshot) append(name string) {
	number, info := len(s.nodes), s.byName[name]
	s.nodes, s.names.ByNumber = append(s.nodes, info), append(s.names.ByNumber, name)
	s.put(number, info)
}

// drop forgets a node, and gives its number to the last one.
func (s *Snapshot) drop(number int) {
	name, last := s.names.ByNumber[number], len(s.nodes)-1
	gone, moved := s.byName[name], s.byName[s.names.ByNumber[last]]
	s.countClaims(gone, -1)
	delete(s.byName, name)
	delete(s.names.Number, name)
	s.withAffinity.set(last, nil, false)
	s.withAntiAffinity.set(last, nil, false)
	if number != last {
		s.withAffinity.set(number, nil, false)
		s.withAntiAffinity.set(number, nil, false)
		s.nodes[number], s.names.ByNumber[number] = moved, s.names.ByNumber[last]
	}
	s.nodes[last] = nil
	s.nodes, s.names.ByNumber = s.nodes[:last], s.names.ByNumber[:last]
	if number != last {
		s.put(number, moved)
	}
}

// put notes that a number is a node's from now on.
func (s *Snapshot) put(number int, info *nodeinfo.NodeInfo) {
	s.names.Number[info.Node().Name] = number
	info.SetNumber(number)
	s.log.add(number, len(s.nodes))
	s.file(number, info)
}
