package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/orrery-dev/orrery/nodeagent/probes"
)

var probeTotal = prometheus.NewDesc("prober_probe_total",
	"Cumulative number of a liveness, readiness or startup probe for a container by result.",
	[]string{"probe_type", "result", "container", "pod", "namespace", "pod_uid"}, nil)

// probeMetrics answers /metrics/probes, of all nodes that the server speaks for.
func (s *Server) probeMetrics(w http.ResponseWriter, r *http.Request) {
	var all probeCollector
	for _, name := range s.nodes() {
		if node, ok := s.options.Node(name); ok && node.Probes != nil {
			all = append(all, node.Probes()...)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(all)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// probeCollector writes how probes were answered in Prometheus' terms.
type probeCollector []probes.Results

// Describe implements prometheus.Collector: with no description of what comes nothing is checked against one.
func (probeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c probeCollector) Collect(to chan<- prometheus.Metric) {
	for _, r := range c {
		for result, count := range map[string]uint64{"successful": r.Succeeded, "failed": r.Failed} {
			if count > 0 {
				to <- prometheus.MustNewConstMetric(probeTotal, prometheus.CounterValue, float64(count),
					string(r.Kind), result, r.Container, r.Pod.Name, r.Pod.Namespace, string(r.Pod.UID))
			}
		}
	}
}
