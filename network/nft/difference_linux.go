package nft

import "slices"

// Difference is what leads from one content of a table to another.
type Difference struct {
	to *Table
	// replace says why the whole table is replaced; it is empty where that is not needed.
	replace string

	madeChains, goneChains []Chain
	// rewritten are chains that stay, with other rules.
	rewritten []Chain
	madeSets  []Set
	goneSets  []Set
	elements  []elements // of sets that stay or are made
}

// elements is how the elements of one set change. Those that rules add themselves are left alone.
type elements struct {
	set Set
	// flush says that all that are there go first, since nobody knows which those are.
	flush      bool
	gone, made []Element
	changed    []pair[Element]
}

// Compare finds what leads from what is in the kernel, as [Client.Read] tells it, to what is wanted.
func Compare(present, wanted *Table) *Difference {
	if present.Unknown != "" {
		return replacement(wanted, present.Unknown)
	}
	chains := compare(present.Chains, wanted.Chains, func(c Chain) string { return c.Name })
	sets := compare(present.Sets, wanted.Sets, func(s Set) string { return s.Name })
	d := &Difference{to: wanted, madeChains: chains.made, goneChains: chains.gone, madeSets: sets.made, goneSets: sets.gone}
	for _, chain := range chains.kept {
		if !sameBase(chain.before.Base, chain.after.Base) {
			return replacement(wanted, "chain "+chain.after.Name+" is passed elsewhere from now on")
		}
		if chain.before.Foreign || !slices.Equal(chain.before.Rules, chain.after.Rules) {
			chain.after.Foreign = chain.before.Foreign
			d.rewritten = append(d.rewritten, chain.after)
		}
	}
	for _, set := range sets.kept {
		if set.before.Type != set.after.Type || set.before.Timeout != set.after.Timeout {
			return replacement(wanted, set.after.kind()+" "+set.after.Name+" has another type from now on")
		}
		d.compareElements(set.before, set.after)
	}
	for _, set := range sets.made {
		d.compareElements(Set{}, set)
	}
	return d
}

// replacement is the difference to a table of which nothing is known.
func replacement(wanted *Table, why string) *Difference {
	d := Compare(&Table{}, wanted)
	d.replace = why
	return d
}

func sameBase(a, b *Base) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (d *Difference) compareElements(before, after Set) {
	if before.Foreign {
		d.elements = append(d.elements, elements{set: after, flush: true, made: after.Elements})
		return
	}
	c := compare(before.Elements, after.Elements, func(e Element) string { return e.Key })
	change := elements{set: after, gone: c.gone, made: c.made}
	for _, kept := range c.kept {
		if kept.before.Value != kept.after.Value || kept.before.Comment != kept.after.Comment {
			change.changed = append(change.changed, kept)
		}
	}
	if len(change.gone)+len(change.made)+len(change.changed) > 0 {
		d.elements = append(d.elements, change)
	}
}

// Empty reports that the two contents are the same.
func (d *Difference) Empty() bool {
	return d.replace == "" && len(d.madeChains)+len(d.goneChains)+len(d.rewritten)+len(d.madeSets)+len(d.goneSets)+len(d.elements) == 0
}

// comparison is what differs between two lists of named things.
type comparison[T any] struct {
	made, gone []T
	kept       []pair[T]
}

type pair[T any] struct{ before, after T }

// compare keeps the order of the lists.
func compare[T any](before, after []T, name func(T) string) comparison[T] {
	var c comparison[T]
	old := make(map[string]T, len(before))
	for _, thing := range before {
		old[name(thing)] = thing
	}
	for _, thing := range after {
		if former, ok := old[name(thing)]; ok {
			c.kept = append(c.kept, pair[T]{former, thing})
			delete(old, name(thing))
		} else {
			c.made = append(c.made, thing)
		}
	}
	for _, thing := range before {
		if _, ok := old[name(thing)]; ok {
			c.gone = append(c.gone, thing)
		}
	}
	return c
}
