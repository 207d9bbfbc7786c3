package cli

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/orrery-dev/orrery/scheduler"
)

// decisions tells what the scheduler of this process decided. A process runs one at a time.
var decisions = &decisionTeller{}

type decisionTeller struct {
	scheduler atomic.Pointer[scheduler.Scheduler]
}

// of makes a scheduler the one that is told of.
func (d *decisionTeller) of(s *scheduler.Scheduler) { d.scheduler.Store(s) }

// ServeHTTP answers as instance.DecisionPath says.
func (d *decisionTeller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := d.scheduler.Load()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	record, found := s.Explain(r.URL.Query().Get("namespace"), r.URL.Query().Get("name"))
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(record) // a client that has gone away needs no answer
}
