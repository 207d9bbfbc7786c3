// Package bindqueue is where pods that are decided on wait for their turn to be bound.
//
// An API server binds fewer pods in a second than the scheduler decides on. Only so many bindings are under way at a time,
// and were decisions to go on meanwhile, those decided on would pile up here: a more important pod that comes then would
// find thousands before it, each would be on its node by a decision that is seconds old, and its attempt would have taken
// all that time. So decisions wait as well, once a few pods wait here: just enough for a turn never to find nobody.
//
//	decided ─ Expect ─ … ─ Turn ─ binding ─ end
//	             └ Leave: it waits for something else, or somebody else binds it
//	Room: may the next pod be decided on?
//
// A pod that waits for Permit or for PreBind has left: what it waits for may be the decision on another pod. So decisions
// only ever wait for requests to the API server, and these for no decision.
//
// The package knows pods by their UIDs alone, and sends nothing.
package bindqueue
