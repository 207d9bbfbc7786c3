package server

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/orrery-dev/orrery/nodeagent/cadvisor"
)

// cadvisorMetrics answers /metrics/cadvisor with what containers, pods and the machine use: what dashboards are made for.
func (s *Server) cadvisorMetrics(w http.ResponseWriter, r *http.Request) {
	node, ok := s.asked(w, r)
	if !ok {
		return
	}
	groups, err := groupsOf(r.Context(), node)
	if err != nil {
		s.options.Log.Error(err, "Reading the control groups of a node", "node", node.Name)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(cadvisor.Collector{Machine: node.Machine, Groups: groups, Now: s.options.Clock.Now(), Failed: err != nil})
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

func groupsOf(ctx context.Context, node Node) ([]cadvisor.Group, error) {
	if node.Cadvisor != nil {
		return node.Cadvisor.Groups(ctx)
	}
	summary, err := node.Stats.CPUAndMemory(ctx)
	if err != nil {
		return nil, err
	}
	return cadvisor.FromSummary(summary), nil
}
