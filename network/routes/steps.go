package routes

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/orrery-dev/orrery/network/overlay"
)

// table is what steps act with: the routing table of this machine, and the device that leads to other links.
type table interface {
	add(r Route) error
	change(r Route) error
	remove(r Route) error
	makeDevice(d overlay.Device) error
	removeDevice(name string) error
	meet(device string, node netip.Addr) error
	forget(device string, node netip.Addr) error
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

func (s *remove) Why() string { return "no Node that can be reached has its pods there" }

func (s *remove) Do(_ context.Context, t table) error { return t.remove(s.Route) }

// makeDevice makes the device, in place of another.
type makeDevice struct{ overlay.Device }

func (s *makeDevice) Verb() string { return "make" }

func (s *makeDevice) String() string { return "make link " + s.Device.String() }

func (s *makeDevice) Why() string { return "there are Nodes with pods on other links" }

func (s *makeDevice) Do(_ context.Context, t table) error { return t.makeDevice(s.Device) }

// unmake removes the device.
type unmake struct{ name string }

func (s *unmake) Verb() string { return "remove" }

func (s *unmake) String() string { return "remove link " + s.name }

func (s *unmake) Why() string { return "no Node with pods is on another link" }

func (s *unmake) Do(_ context.Context, t table) error { return t.removeDevice(s.name) }

// meet has the device send to a node.
type meet struct {
	device string
	peer   netip.Addr
	node   string
}

func (s *meet) Verb() string { return "add" }

func (s *meet) String() string { return fmt.Sprintf("add %s to %s", s.peer, s.device) }

func (s *meet) Why() string { return fmt.Sprintf("Node %s is on another link", s.node) }

func (s *meet) Do(_ context.Context, t table) error { return t.meet(s.device, s.peer) }

// forget has the device not send to an address any more.
type forget struct {
	device string
	peer   netip.Addr
}

func (s *forget) Verb() string { return "remove" }

func (s *forget) String() string { return fmt.Sprintf("remove %s from %s", s.peer, s.device) }

func (s *forget) Why() string { return "no Node on another link has that address" }

func (s *forget) Do(_ context.Context, t table) error { return t.forget(s.device, s.peer) }
