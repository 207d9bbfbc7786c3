package nft

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/knftables"
)

// Table is the whole content of a table, as data. With everything in order, see [Table.Sort], the same content is the same text.
type Table struct {
	Family  knftables.Family
	Name    string
	Comment string
	Chains  []Chain
	Sets    []Set

	// Unknown says, of a table in the kernel, why nobody knows what it holds; it is empty where that is known.
	Unknown string
}

// Chain is a list of rules. One that is hooked into the path of packets has a Base.
type Chain struct {
	Name    string
	Comment string
	Base    *Base
	Rules   []string

	// Why is the sentence that says why the rules are these, for people. It is no part of the content.
	Why string
	// Foreign says, of a chain in the kernel, that its rules are not those that were written.
	Foreign bool
}

// Base says where and when a chain is passed.
type Base struct {
	Type     knftables.BaseChainType
	Hook     knftables.BaseChainHook
	Priority knftables.BaseChainPriority
}

// Set is a set, or, where its type has a colon, a map.
type Set struct {
	Name    string
	Comment string
	// Type of its elements in nft's words: "inet_proto . inet_service : verdict".
	Type string
	// Timeout above zero means that rules, not we, add elements, which are forgotten after it.
	Timeout time.Duration
	// Elements by key, each key once.
	Elements []Element

	// Foreign says, of a set in the kernel, that its elements are not those that were written.
	Foreign bool
}

// Element is one entry of a set or map. Parts of a key are joined by " . "; the value is empty in a set.
type Element struct {
	Key, Value, Comment string

	// Why is the sentence that says why the element is there, for people. It is no part of the content.
	Why string
}

// isMap says whether elements have values.
func (s *Set) isMap() bool { return strings.Contains(s.Type, " : ") }

// kind is nft's word for the set.
func (s *Set) kind() string {
	if s.isMap() {
		return "map"
	}
	return "set"
}

// Sort puts everything in the order of names and keys.
func (t *Table) Sort() {
	slices.SortFunc(t.Chains, func(a, b Chain) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Sets, func(a, b Set) int { return strings.Compare(a.Name, b.Name) })
	for i := range t.Sets {
		slices.SortFunc(t.Sets[i].Elements, func(a, b Element) int { return strings.Compare(a.Key, b.Key) })
	}
}

// String is the table as a script for `nft -f`.
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s %s {\n", t.Family, t.Name)
	printComment(&b, "\t", t.Comment)
	for i := range t.Sets {
		t.Sets[i].print(&b)
	}
	for i := range t.Chains {
		t.Chains[i].print(&b)
	}
	b.WriteString("}\n")
	return b.String()
}

func (s *Set) print(b *strings.Builder) {
	fmt.Fprintf(b, "\t%s %s {\n\t\ttype %s\n", s.kind(), s.Name, s.Type)
	if s.Timeout > 0 {
		fmt.Fprintf(b, "\t\tflags dynamic, timeout\n\t\ttimeout %ds\n", int(s.Timeout.Seconds()))
	}
	printComment(b, "\t\t", s.Comment)
	if len(s.Elements) > 0 {
		b.WriteString("\t\telements = {\n")
		for _, element := range s.Elements {
			fmt.Fprintf(b, "\t\t\t%s", element.Key)
			if element.Comment != "" {
				fmt.Fprintf(b, " comment %q", element.Comment)
			}
			if element.Value != "" {
				fmt.Fprintf(b, " : %s", element.Value)
			}
			b.WriteString(",\n")
		}
		b.WriteString("\t\t}\n")
	}
	b.WriteString("\t}\n")
}

func (c *Chain) print(b *strings.Builder) {
	fmt.Fprintf(b, "\tchain %s {\n", c.Name)
	printComment(b, "\t\t", c.Comment)
	if c.Base != nil {
		fmt.Fprintf(b, "\t\ttype %s hook %s priority %s\n", c.Base.Type, c.Base.Hook, c.Base.Priority)
	}
	for _, rule := range c.Rules {
		fmt.Fprintf(b, "\t\t%s\n", rule)
	}
	b.WriteString("\t}\n")
}

func printComment(b *strings.Builder, indent, comment string) {
	if comment != "" {
		fmt.Fprintf(b, "%scomment %q\n", indent, comment)
	}
}
