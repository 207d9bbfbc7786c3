package topologycount

import "sync"

// Count is a sum for each domain of a topology. It never changes.
type Count struct {
	nodeDomains
	// Domains is the number of domains in which at least one node has counted.
	Domains int
	cells   frozen[cell]

	findLowest sync.Once
	lowest     [2]Lowest
}

// cell is one domain.
type cell struct {
	sum   int64
	nodes int32 // that counted; of terms it is pods that did
}

// add changes a cell. It returns by how much the number of domains that count grows.
func (c *cell) add(sum int64, nodes int32) int {
	before := c.nodes
	c.sum += sum
	c.nodes += nodes
	switch {
	case before == 0 && c.nodes != 0:
		return 1
	case before != 0 && c.nodes == 0:
		return -1
	}
	return 0
}

// At returns the sum of the domain that a node is in, and whether it is in one.
func (c *Count) At(ref NodeRef) (sum int64, inside bool) {
	domain, inside := c.domain(ref)
	if domain == nowhere {
		return 0, inside
	}
	return c.cells.at(domain).sum, true
}

// Of returns the sum of the domain with a label value. It and the methods below that deal in values are not for counts by
// node.
func (c *Count) Of(value string) int64 {
	if domain := c.values.number(value); domain != nowhere {
		return c.cells.at(domain).sum
	}
	return 0
}

// Lowest is a domain with a low sum.
type Lowest struct {
	domain int32
	Sum    int64
}

// Lowest returns a domain with the lowest sum among those that count, and one with the lowest among the others. There
// are at most as many as Domains; what is beyond has no meaning.
func (c *Count) Lowest() [2]Lowest {
	c.findLowest.Do(func() {
		found := 0
		c.cells.each(func(domain int32, cell *cell) {
			if cell.nodes == 0 {
				return
			}
			found++
			switch {
			case found == 1 || cell.sum < c.lowest[0].Sum:
				c.lowest[1] = c.lowest[0]
				c.lowest[0] = Lowest{domain: domain, Sum: cell.sum}
			case found == 2 || cell.sum < c.lowest[1].Sum:
				c.lowest[1] = Lowest{domain: domain, Sum: cell.sum}
			}
		})
	})
	return c.lowest
}

// LowestBut returns the lowest sum among the domains that count and do not have one of the label values. It reports
// false when there is none.
func (c *Count) LowestBut(values ...string) (sum int64, found bool) {
	if len(values) == 1 && c.Domains > 0 {
		lowest := c.Lowest()
		switch {
		case lowest[0].domain != c.values.number(values[0]):
			return lowest[0].Sum, true
		default:
			return lowest[1].Sum, c.Domains > 1
		}
	}
	but := make(map[int32]bool, len(values))
	for _, value := range values {
		but[c.values.number(value)] = true
	}
	c.cells.each(func(domain int32, cell *cell) {
		if cell.nodes > 0 && !but[domain] && (!found || cell.sum < sum) {
			sum, found = cell.sum, true
		}
	})
	return sum, found
}

// Distinct returns how many domains of the count's topology some nodes are in. It is not for counts by node.
func (c *Count) Distinct(refs []NodeRef) int {
	seen := make([]bool, c.values.count())
	unknown := map[string]bool{}
	number := 0
	for _, ref := range refs {
		domain, inside := c.domain(ref)
		switch {
		case !inside:
		case domain != nowhere:
			if !seen[domain] {
				seen[domain] = true
				number++
			}
		default:
			value, _ := c.of.value(ref.node)
			unknown[value] = true
		}
	}
	return number + len(unknown)
}

// domainCounts is a Count that is still being counted.
type domainCounts struct {
	topology  *topology
	cells     vector[cell]
	populated int
	// latest is what was given out last, of an edition of the topology; nil when a sum has changed since.
	latest  *Count
	edition int64
}

func (s *domainCounts) add(domain int32, sum int64, nodes int32) {
	if domain == nowhere {
		return
	}
	s.populated += s.cells.edit(domain).add(sum, nodes)
	s.latest = nil
}

func (s *domainCounts) count() *Count {
	if s.latest == nil || s.edition != s.topology.edition {
		s.latest = &Count{nodeDomains: s.topology.freeze(), Domains: s.populated, cells: s.cells.freeze()}
		s.edition = s.topology.edition
	}
	return s.latest
}
