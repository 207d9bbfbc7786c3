package looptest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// outage is that a loop can read nothing of a kind. The zero value is none.
type outage struct {
	kind  schema.GroupVersionKind
	fault Fault
}

// readFaults are those of the faults to try that reads meet.
func (r *run) readFaults() []Fault {
	return slices.DeleteFunc(slices.Clone(r.spec.Faults), func(f Fault) bool { return !f.ofRead() })
}

// randomOutage leaves the world alone while a loop can read nothing of one kind, in some worlds.
func (r *run) randomOutage(t *rapid.T) {
	faults := r.readFaults()
	if len(faults) == 0 || rapid.IntRange(0, 2).Draw(t, "no outage") > 0 {
		return
	}
	p := r.randomPlayer(t)
	kinds := p.line.kinds()
	if len(kinds) == 0 {
		return
	}
	out := outage{rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom(faults).Draw(t, "fault")}
	p.line.outage = out
	for _, key := range r.keys(p) {
		p.awake[key] = true // or it would notice nothing
	}
	r.tell("from here on, nothing else disturbs the world than that %s cannot read any %s: %s", p.loop.Name(), out.kind.Kind, out.fault)
	if !r.rest(func() bool { return true }) {
		r.fail("does not come to rest while %s cannot read any %s: something still changes after %d rounds", p.loop.Name(), out.kind.Kind, r.spec.Patience)
	}
	if key, hurried := r.hurries(p); hurried {
		r.fail("has a hot loop: while %s cannot read any %s it looks at %s again and again, within less than a second each time", p.loop.Name(), out.kind.Kind, key)
	}
	p.line.outage = outage{}
	r.tell("%s can read every %s again", p.loop.Name(), out.kind.Kind)
}

// kinds are those of which something has been read over a line, in an order that is the same every time.
func (l *line) kinds() []schema.GroupVersionKind {
	return slices.SortedFunc(maps.Keys(l.read), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
}

const (
	// soon is after less time than what a loop must not look again for ever.
	soon = time.Second
	// often is how many passes in a row, each soon after the other and over a world that does not change, are too many.
	often = 100
)

// hurries reports for which key a loop looks again and again, if it does. That it waits for its cache to show what it wrote is no look.
func (r *run) hurries(p *player) (client.ObjectKey, bool) {
	var key client.ObjectKey
	for range often {
		found := false
		for _, k := range slices.SortedFunc(maps.Keys(p.due), func(a, b client.ObjectKey) int { return p.due[a].Compare(p.due[b]) }) {
			if p.decided[k] && p.due[k].Sub(r.world.Now()) < soon {
				key, found = k, true
				break
			}
		}
		if !found {
			return key, false
		}
		r.world.Step(max(p.due[key].Sub(r.world.Now()), time.Millisecond))
		r.pass(p, key)
		r.stopIfBroken()
	}
	return key, true
}
