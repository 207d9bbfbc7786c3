package cli

import (
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
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// inspected is what runs in this process and can be asked about itself, on the socket of the instance. Whoever makes such a part
// puts it here; a part that is started anew takes the place of the one before.
var inspected inspectedParts

type inspectedParts struct {
	scheduler atomic.Pointer[scheduler.Scheduler]

	mu    sync.Mutex
	loops map[string]engine.Inspector
}

// loop makes a loop one that can be asked for its plans.
func (i *inspectedParts) loop(l engine.Inspector) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.loops == nil {
		i.loops = map[string]engine.Inspector{}
	}
	i.loops[l.Name()] = l
}

// named is the loop of a name, nil if there is none, and the names of all loops.
func (i *inspectedParts) named(name string) (loop engine.Inspector, names []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.loops[name], slices.Sorted(maps.Keys(i.loops))
}

// handlers are what the socket of an instance answers besides its status.
func (i *inspectedParts) handlers() instance.Handlers {
	return instance.Handlers{
		"/metrics":            promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}), // of all parts, and of Go
		instance.DecisionPath: http.HandlerFunc(i.decision),
		instance.LoopsPath:    http.HandlerFunc(i.told),
		instance.PlansPath:    http.HandlerFunc(i.plans),
	}
}

// told answers as instance.LoopsPath says.
func (i *inspectedParts) told(w http.ResponseWriter, _ *http.Request) {
	_, names := i.named("")
	loops := make([]instance.Loop, 0, len(names))
	for _, name := range names {
		if l, _ := i.named(name); l != nil {
			loops = append(loops, instance.Loop{Name: name, Keys: l.Keys()})
		}
	}
	answer(w, loops)
}

// plans answers as instance.PlansPath says.
func (i *inspectedParts) plans(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	told := instance.Plans{Loop: query.Get("loop"), Key: query.Get("key"), Plans: []instance.Plan{}}
	l, names := i.named(told.Loop)
	if l == nil {
		http.Error(w, fmt.Sprintf("there is no loop %q: there are %s", told.Loop, strings.Join(names, ", ")), http.StatusNotFound)
		return
	}
	if query.Get("next") == "true" {
		next, err := l.Preview(r.Context(), told.Key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		told.Next = next
	}
	for _, pass := range l.Recent(told.Key) {
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
