package proxy

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"
)

// apply brings the kernel's table from one content to another, in one transaction. A nil present means that we do not know what is
// there: it is replaced. It says whether there was anything to do.
func apply(ctx context.Context, nft knftables.Interface, present, wanted *Table) (bool, error) {
	tx := nft.NewTransaction()
	if present == nil {
		tx.Add(&knftables.Table{}) // deleting what is not there would be an error
		tx.Delete(&knftables.Table{})
		tx.Add(&knftables.Table{Comment: knftables.PtrTo("service proxy")})
		present = &Table{}
	}
	change(tx, present, wanted)
	if tx.NumOperations() == 0 {
		return false, nil
	}
	if err := nft.Run(ctx, tx); err != nil {
		return false, fmt.Errorf("changing nftables table %s: %w", wanted.Name, err)
	}
	return true, nil
}

// change adds to a transaction what leads from one content to another. The order matters: what is referred to exists before
// it is referred to, and nothing is removed before the last reference to it is.
func change(tx *knftables.Transaction, present, wanted *Table) {
	chains := compare(present.Chains, wanted.Chains, func(c Chain) string { return c.Name })
	sets := compare(present.Sets, wanted.Sets, func(s Set) string { return s.Name })

	for _, set := range sets.made {
		addSet(tx, set)
	}
	for _, chain := range chains.made {
		addChain(tx, chain)
	}
	for _, pair := range sets.kept {
		changeElements(tx, pair.before, pair.after)
	}
	for _, set := range sets.made {
		changeElements(tx, Set{}, set)
	}
	for _, pair := range chains.kept {
		if !slices.Equal(pair.before.Rules, pair.after.Rules) {
			tx.Flush(&knftables.Chain{Name: pair.after.Name})
			addRules(tx, pair.after)
		}
	}
	for _, chain := range chains.made {
		addRules(tx, chain)
	}
	for _, chain := range chains.gone {
		tx.Flush(&knftables.Chain{Name: chain.Name})
	}
	for _, chain := range chains.gone {
		tx.Delete(&knftables.Chain{Name: chain.Name})
	}
	for _, set := range sets.gone {
		deleteSet(tx, set)
	}
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

// changeElements leads from one content of a set to another. Elements that rules add themselves are left alone.
func changeElements(tx *knftables.Transaction, before, after Set) {
	elements := compare(before.Elements, after.Elements, func(e Element) string { return e.Key })
	for _, element := range elements.gone {
		tx.Delete(element.object(&before))
	}
	for _, pair := range elements.kept {
		if !reflect.DeepEqual(pair.before, pair.after) {
			tx.Delete(pair.before.object(&before))
			tx.Add(pair.after.object(&after))
		}
	}
	for _, element := range elements.made {
		tx.Add(element.object(&after))
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

func deleteSet(tx *knftables.Transaction, s Set) {
	if s.isMap() {
		tx.Delete(&knftables.Map{Name: s.Name})
		return
	}
	tx.Delete(&knftables.Set{Name: s.Name})
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
