package nft

// Marks are what the kernel says of a table by which one content can be told from another: see the package's page.
type Marks struct {
	// Generation is when they were read.
	Generation uint32
	// Frame tells the tables, chains and sets apart, without what is in them.
	Frame string
	// Chains are the marks of rules, by the names of chains.
	Chains map[string]Mark
	// Sets are the marks of elements, by the names of sets and maps.
	Sets map[string]Mark
}

// Mark tells contents of one chain or set apart.
type Mark struct {
	// Count is how many rules or elements there are, and Content tells them from others.
	Count   int
	Content string
}

// against is the content that has these marks, when another had the marks left.
func (m *Marks) against(left *Marks, written *Table) *Table {
	if m.Frame != left.Frame {
		unknown := *written
		unknown.Unknown = byOthers
		return &unknown
	}
	found := *written
	found.Chains = make([]Chain, len(written.Chains))
	for i, chain := range written.Chains {
		chain.Foreign = m.Chains[chain.Name] != left.Chains[chain.Name]
		found.Chains[i] = chain
	}
	found.Sets = make([]Set, len(written.Sets))
	for i, set := range written.Sets {
		set.Foreign = m.Sets[set.Name] != left.Sets[set.Name]
		found.Sets[i] = set
	}
	return &found
}

// fit reports that these can be the marks of a content that was just written.
func (m *Marks) fit(written *Table) bool {
	if m == nil || len(m.Chains) != len(written.Chains) || len(m.Sets) != len(written.Sets) {
		return false
	}
	for i := range written.Chains {
		chain := &written.Chains[i]
		if mark, ok := m.Chains[chain.Name]; !ok || mark.Count != len(chain.Rules) {
			return false
		}
	}
	for i := range written.Sets {
		set := &written.Sets[i]
		if mark, ok := m.Sets[set.Name]; !ok || mark.Count != len(set.Elements) {
			return false
		}
	}
	return true
}
