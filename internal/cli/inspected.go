package cli

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

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
}

// handlers are what the socket of an instance answers besides its status.
func (i *inspectedParts) handlers() instance.Handlers {
	return instance.Handlers{
		"/metrics":            promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}), // of all parts, and of Go
		instance.DecisionPath: http.HandlerFunc(i.decision),
	}
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
