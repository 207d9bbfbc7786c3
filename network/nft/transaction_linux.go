package nft

import (
	"strings"

	"sigs.k8s.io/knftables"
)

// addTo adds to a transaction what carries the difference out. The order matters: what is referred to exists before it is referred
// to, and nothing is deleted before the last reference to it is.
func (d *Difference) addTo(tx *knftables.Transaction) {
	if d.replace != "" {
		tx.Add(&knftables.Table{}) // deleting what is not there would be an error
		tx.Delete(&knftables.Table{})
		tx.Add(&knftables.Table{Comment: comment(d.to.Comment)})
	}
	for _, set := range d.madeSets {
		addSet(tx, set)
	}
	for _, chain := range d.madeChains {
		addChain(tx, chain)
	}
	for _, chain := range d.rewritten {
		tx.Flush(&knftables.Chain{Name: chain.Name})
	}
	for _, chain := range d.goneChains {
		tx.Flush(&knftables.Chain{Name: chain.Name})
	}
	for i := range d.elements {
		d.elements[i].addTo(tx)
	}
	for _, set := range d.goneSets {
		tx.Delete(set.object())
	}
	for _, chain := range d.goneChains {
		tx.Delete(&knftables.Chain{Name: chain.Name})
	}
	for _, chain := range d.rewritten {
		addRules(tx, chain)
	}
	for _, chain := range d.madeChains {
		addRules(tx, chain)
	}
}

func (e *elements) addTo(tx *knftables.Transaction) {
	if e.flush {
		tx.Flush(e.set.object())
	}
	for _, element := range e.gone {
		tx.Delete(element.object(&e.set))
	}
	for _, change := range e.changed {
		tx.Delete(change.before.object(&e.set))
		tx.Add(change.after.object(&e.set))
	}
	for _, element := range e.made {
		tx.Add(element.object(&e.set))
	}
}

func (e Element) object(s *Set) *knftables.Element {
	object := &knftables.Element{Key: strings.Split(e.Key, " . "), Comment: comment(e.Comment)}
	if s.isMap() {
		object.Map, object.Value = s.Name, []string{e.Value}
	} else {
		object.Set = s.Name
	}
	return object
}

// object is the set by its name.
func (s *Set) object() knftables.Object {
	if s.isMap() {
		return &knftables.Map{Name: s.Name}
	}
	return &knftables.Set{Name: s.Name}
}

func addSet(tx *knftables.Transaction, s Set) {
	if s.isMap() {
		tx.Add(&knftables.Map{Name: s.Name, Type: s.Type, Comment: comment(s.Comment)})
		return
	}
	set := &knftables.Set{Name: s.Name, Type: s.Type, Comment: comment(s.Comment)}
	if s.Timeout > 0 {
		set.Flags = []knftables.SetFlag{knftables.DynamicFlag, knftables.TimeoutFlag}
		set.Timeout = knftables.PtrTo(s.Timeout)
	}
	tx.Add(set)
}

func addChain(tx *knftables.Transaction, c Chain) {
	chain := &knftables.Chain{Name: c.Name, Comment: comment(c.Comment)}
	if c.Base != nil {
		chain.Type, chain.Hook, chain.Priority = &c.Base.Type, &c.Base.Hook, &c.Base.Priority
	}
	tx.Add(chain)
}

func addRules(tx *knftables.Transaction, c Chain) {
	for _, rule := range c.Rules {
		tx.Add(&knftables.Rule{Chain: c.Name, Rule: rule})
	}
}

// comment is nil where there is nothing to say, and never longer than the kernel takes.
func comment(text string) *string {
	if text == "" {
		return nil
	}
	return knftables.PtrTo(text[:min(len(text), knftables.CommentLengthMax)])
}
