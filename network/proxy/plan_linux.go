package proxy

import (
	"slices"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// step is one that acts on this node.
type step = engine.Step[*node]

// Plan brings the table to what Services and EndpointSlices want, moves the flows that know no better, and
// says at health check node ports how it is.
func Plan(w World) *engine.Plan[*node] {
	p := &engine.Plan[*node]{}
	ports := ports(w)
	wanted := tableOf(w, ports)
	difference, gone := nft.Compare(w.Present, wanted), departures(w.Present, wanted)
	if !difference.Empty() {
		p.Do(&write{difference, gone})
	}
	if udp := udpPorts(ports, slices.Concat(w.Departed, gone)); !udp.empty() && (w.FlowsDue || !difference.Empty()) {
		p.Do(&forget{udp})
	}
	for _, s := range planHealths(w.Healths, healths(w, ports)) {
		p.Do(s)
	}
	p.Do(&measure{w.Begun, !difference.Empty(), triggersOf(w), withoutLocal(w.families(), ports)})
	p.Because("the table holds what Services and EndpointSlices want")
	return p
}

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[*node] { return Plan(w) }
