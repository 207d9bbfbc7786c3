package dns

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-dev/orrery/framework/engine"
)

// plan has the objects there that users know DNS by, the server run what the ConfigMap says, and our endpoint among those of the
// Service.
func plan(w world) *engine.Plan[*node] {
	p := &engine.Plan[*node]{}
	planCorefile(w, p) // first: nothing that fails besides may keep questions from being answered
	if w.configMap == nil {
		p.Do(&create{configMap(DefaultCorefile(w.options.Domain)), "there is none, and users look for the Corefile there"})
	}
	if w.service == nil {
		p.Do(&create{service(w.options.ServiceIP.String()), "there is none, and pods ask at its address"})
	}
	planEndpoint(w, p)
	p.Because("the server runs what the ConfigMap says, and is an endpoint of the Service")
	return p
}

// planCorefile has what the ConfigMap says run, unless that was tried and cannot be.
func planCorefile(w world, p *engine.Plan[*node]) {
	wanted := setup{DefaultCorefile(w.options.Domain), w.upstreams}
	if w.configMap != nil {
		wanted.corefile = w.configMap.Data[corefileKey]
	}
	switch {
	case wanted == w.running || wanted == w.refused:
	case w.running == setup{}:
		p.Do(&load{wanted, w.configMap, "nothing is answered yet"})
	case wanted.corefile == w.running.corefile:
		p.Do(&load{wanted, w.configMap, fmt.Sprintf("the resolvers of this machine are now %q, and were %q", wanted.upstreams, w.running.upstreams)})
	default:
		p.Do(&load{wanted, w.configMap, "the Corefile has changed"})
	}
}

// planEndpoint has the Service lead to this server, if pods can reach it and nobody else answers there.
func planEndpoint(w world, p *engine.Plan[*node]) {
	reason := ""
	if w.service != nil {
		reason = elsewhere(w.service, w.options.ServiceIP.String())
	}
	if reason == "" && w.options.Listen.IsLoopback() {
		reason = "this server can be asked on this machine only"
	}
	if reason != "" {
		if w.slice != nil {
			p.Do(&remove{w.slice, reason})
		}
		p.Because(reason)
		return
	}
	wanted := endpointSlice(w.options, w.port)
	switch {
	case w.slice == nil:
		p.Do(&create{wanted, "the Service leads to this server"})
	case w.slice.AddressType != wanted.AddressType:
		p.Do(&remove{w.slice, "its addresses are of another family"})
	case !equality.Semantic.DeepEqual(w.slice.Endpoints, wanted.Endpoints), !equality.Semantic.DeepEqual(w.slice.Ports, wanted.Ports),
		!equality.Semantic.DeepEqual(w.slice.Labels, wanted.Labels):
		changed := w.slice.DeepCopy()
		changed.Labels, changed.Endpoints, changed.Ports = wanted.Labels, wanted.Endpoints, wanted.Ports
		p.Do(&update{changed, "the Service leads to this server"})
	}
}

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w world, _ time.Time) *engine.Plan[*node] { return plan(w) }
