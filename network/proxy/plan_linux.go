package proxy

import (
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// Plan brings the table to what Services and EndpointSlices want, and then moves the flows that know no better.
func Plan(w World) *engine.Plan[*node] {
	p := &engine.Plan[*node]{}
	ports := ports(w)
	difference := nft.Compare(w.Present, tableOf(w, ports))
	if !difference.Empty() {
		p.Do(&write{difference})
	}
	if udp := udpPorts(ports); !udp.empty() && (w.FlowsDue || !difference.Empty()) {
		p.Do(&forget{udp})
	}
	p.Because("the table holds what Services and EndpointSlices want")
	return p
}

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[*node] { return Plan(w) }
