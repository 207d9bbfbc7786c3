package routes

import (
	"context"
	"fmt"
)

// table is what steps act with: the routing table of this machine.
type table interface {
	add(r Route) error
	change(r Route) error
	remove(r Route) error
}

// set adds a route, or changes the one of ours that leads to the same range.
type set struct {
	reasoned
	change bool
}

func (s *set) Verb() string {
	if s.change {
		return "change"
	}
	return "add"
}

func (s *set) String() string { return s.Verb() + " route " + s.Route.String() }

func (s *set) Why() string { return fmt.Sprintf("Node %s has its pods there", s.node) }

func (s *set) Do(_ context.Context, t table) error {
	if s.change {
		return t.change(s.Route)
	}
	return t.add(s.Route)
}

// remove removes a route of ours.
type remove struct{ Route }

func (s *remove) Verb() string { return "remove" }

func (s *remove) String() string { return "remove route " + s.Route.String() }

func (s *remove) Why() string { return "no Node on a link of this machine has its pods there" }

func (s *remove) Do(_ context.Context, t table) error { return t.remove(s.Route) }
