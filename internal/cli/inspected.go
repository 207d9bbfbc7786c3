package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// inspected is what runs in this process and can be asked about itself, on the socket of the instance. Whoever makes such a part
// puts it here; a part that is started anew takes the place of the one before.
var inspected inspectedParts

type inspectedParts struct {
	scheduler atomic.Pointer[scheduler.Scheduler]
	dns       atomic.Pointer[dns.DNS]
	snapshots atomic.Pointer[snapshots]
	members   atomic.Pointer[membership]
	journal   journal.Journal

	mu    sync.Mutex
	loops map[string]everywhere
}

// of makes the loops of a component ones that can be asked for their plans, and whose plans are in the journal.
func (i *inspectedParts) of(component string) func(engine.Inspector) {
	return func(l engine.Inspector) {
		l.Follow(func(key string, pass engine.Pass) {
			i.journal.Add(journal.Entry{At: pass.At, Loop: l.Name(), Of: l.Of(), Key: strings.TrimPrefix(key, "/"), Plan: pass.Plan, Error: pass.Error})
		})
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.loops == nil {
			i.loops = map[string]everywhere{}
		}
		in := maps.Clone(i.loops[l.Name()]) // who was handed it reads it
		if in == nil {
			in = everywhere{}
		}
		in[component] = l
		i.loops[l.Name()] = in
	}
}

// decided puts what the scheduler has decided into the journal. That a pod has to wait, and why, is an Event of the API.
func (i *inspectedParts) decided(r explain.Record) {
	if r.Node != "" {
		i.journal.Add(journal.Entry{At: r.When, Loop: "scheduler", Of: "Pod", Key: r.Namespace + "/" + r.Name, Plan: r.Sentence()})
	}
}

// named is the loop of a name, empty if there is none, and the names of all loops.
func (i *inspectedParts) named(name string) (loop everywhere, names []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loops[name], slices.Sorted(maps.Keys(i.loops))
}

// everywhere is one loop in all components that run it, as the node agent's where an instance has several kinds of nodes.
type everywhere map[string]engine.Inspector

func (e everywhere) of() string {
	for _, l := range e {
		return l.Of() // it is one loop
	}
	return ""
}

func (e everywhere) keys() []string {
	keys := []string{}
	for _, l := range e {
		keys = append(keys, l.Keys()...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// preview is the plan of the component that finds something with the key.
func (e everywhere) preview(ctx context.Context, key string) (plan string, err error) {
	for _, component := range slices.Sorted(maps.Keys(e)) {
		if plan, err = e[component].Preview(ctx, key); err == nil {
			return plan, nil
		}
	}
	return "", err
}

func (e everywhere) recent(key string) []engine.Pass {
	var passes []engine.Pass
	for _, l := range e {
		passes = append(passes, l.Recent(key)...)
	}
	slices.SortStableFunc(passes, func(a, b engine.Pass) int { return b.At.Compare(a.At) })
	return passes
}

// handlers are what the socket of an instance answers besides its status.
func (i *inspectedParts) handlers() instance.Handlers {
	return instance.Handlers{
		"/metrics":            promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}), // of all parts, and of Go
		instance.DecisionPath: http.HandlerFunc(i.decision),
		instance.LoopsPath:    http.HandlerFunc(i.told),
		instance.PlansPath:    http.HandlerFunc(i.plans),
		instance.NamesPath:    http.HandlerFunc(i.names),
		journal.Path:          &i.journal,

		"POST " + instance.SnapshotsPath: http.HandlerFunc(i.takeSnapshot),
		instance.MembersPath:             http.HandlerFunc(i.tellMembers),
		"DELETE " + instance.MembersPath: http.HandlerFunc(i.removeMember),
		"POST " + instance.ReexecPath:    &reexecuting,
	}
}

// told answers as instance.LoopsPath says.
func (i *inspectedParts) told(w http.ResponseWriter, _ *http.Request) {
	_, names := i.named("")
	loops := make([]instance.Loop, 0, len(names))
	for _, name := range names {
		l, _ := i.named(name)
		loops = append(loops, instance.Loop{Name: name, Of: l.of(), Keys: l.keys()})
	}
	answer(w, loops)
}

// plans answers as instance.PlansPath says.
func (i *inspectedParts) plans(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	told := instance.Plans{Loop: query.Get("loop"), Key: query.Get("key"), Plans: []instance.Plan{}}
	l, names := i.named(told.Loop)
	if len(l) == 0 {
		http.Error(w, fmt.Sprintf("there is no loop %q: there are %s", told.Loop, strings.Join(names, ", ")), http.StatusNotFound)
		return
	}
	if query.Get("next") == "true" {
		next, err := l.preview(r.Context(), told.Key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		told.Next = next
	}
	for _, pass := range l.recent(told.Key) {
		told.Plans = append(told.Plans, instance.Plan{At: pass.At, Plan: pass.Plan, Error: pass.Error})
	}
	answer(w, told)
}

// decision answers as instance.DecisionPath says.
func (i *inspectedParts) decision(w http.ResponseWriter, r *http.Request) {
	s := i.scheduler.Load()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	record, found := s.Explain(r.URL.Query().Get("namespace"), r.URL.Query().Get("name"))
	if !found {
		http.NotFound(w, r)
		return
	}
	answer(w, record)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // a client that has gone away needs no answer
}
