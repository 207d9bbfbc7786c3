package nft

import (
	"fmt"
	"strings"
)

// mostLines bounds how much of a difference is printed: it is kept in memory, and read by people.
const mostLines = 40

const byOthers = "somebody else has changed it"

// String says, a line for a change, what changes and why.
func (d *Difference) String() string {
	lines := d.Lines()
	if more := len(lines) - mostLines; more > 0 {
		lines = append(lines[:mostLines:mostLines], fmt.Sprintf("and %d more changes", more))
	}
	return strings.Join(lines, "\n")
}

// InOneTransaction is the difference as the words of a step that carries it out.
func (d *Difference) InOneTransaction() string {
	return "in one transaction:\n  " + strings.ReplaceAll(d.String(), "\n", "\n  ")
}

// Lines are all the changes. A table that is replaced as a whole is one.
func (d *Difference) Lines() []string {
	if d.replace != "" {
		return []string{fmt.Sprintf("write table %s anew, with %s and %s: %s",
			d.to.Name, count(len(d.to.Chains), "chain"), count(len(d.to.Sets), "set"), d.replace)}
	}
	var lines []string
	say := func(why, format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		if why != "" {
			line += ": " + why
		}
		lines = append(lines, line)
	}
	for i := range d.elements {
		d.elements[i].say(say)
	}
	for _, set := range d.madeSets {
		say("", "add %s %s", set.kind(), set.Name)
	}
	for _, chain := range d.madeChains {
		say(chain.Why, "add chain %s with %s", chain.Name, count(len(chain.Rules), "rule"))
	}
	for _, chain := range d.rewritten {
		why := chain.Why
		if chain.Foreign {
			why = byOthers
		}
		say(why, "write %s to chain %s", count(len(chain.Rules), "rule"), chain.Name)
	}
	for _, chain := range d.goneChains {
		say("", "delete chain %s", chain.Name)
	}
	for _, set := range d.goneSets {
		say("", "delete %s %s", set.kind(), set.Name)
	}
	return lines
}

// say says of each element what becomes of it; elements with the same reason share a line.
func (e *elements) say(say func(why, format string, args ...any)) {
	in := e.set.kind() + " " + e.set.Name
	if e.flush {
		say(byOthers, "write %s to %s", count(len(e.made), "element"), in)
		return
	}
	for _, group := range byReason(e.gone) {
		say("", "delete %s from %s", name(group), in)
	}
	for _, change := range e.changed {
		say(change.after.Why, "change element %s of %s from %q to %q", change.after.Key, in, change.before.Value, change.after.Value)
	}
	for _, group := range byReason(e.made) {
		say(group[0].Why, "add %s to %s", name(group), in)
	}
}

// name names one element, and counts several.
func name(all []Element) string {
	if len(all) == 1 {
		return "element " + all[0].Key
	}
	return count(len(all), "element")
}

// byReason groups elements, in their order.
func byReason(all []Element) [][]Element {
	var groups [][]Element
	at := map[string]int{}
	for _, element := range all {
		i, ok := at[element.Why]
		if !ok {
			i = len(groups)
			at[element.Why] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], element)
	}
	return groups
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
