package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// The figures of /metrics/resource, under the kubelet's names and with its words.
var (
	nodeCPU             = resource("node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds")
	nodeMemory          = resource("node_memory_working_set_bytes", "Current working set of the node in bytes")
	nodeSwap            = resource("node_swap_usage_bytes", "Current swap usage of the node in bytes. Reported only on non-windows systems")
	containerStartTime  = resource("container_start_time_seconds", "Start time of the container since unix epoch in seconds", "container", "pod", "namespace")
	containerCPU        = resource("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", "container", "pod", "namespace")
	containerMemory     = resource("container_memory_working_set_bytes", "Current working set of the container in bytes", "container", "pod", "namespace")
	containerSwap       = resource("container_swap_usage_bytes", "Current amount of the container swap usage in bytes. Reported only on non-windows systems", "container", "pod", "namespace")
	containerSwapLimit  = resource("container_swap_limit_bytes", "Current amount of the container swap limit in bytes. Reported only on non-windows systems", "container", "pod", "namespace")
	podCPU              = resource("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", "pod", "namespace")
	podMemory           = resource("pod_memory_working_set_bytes", "Current working set of the pod in bytes", "pod", "namespace")
	podSwap             = resource("pod_swap_usage_bytes", "Current amount of the pod swap usage in bytes. Reported only on non-windows systems", "pod", "namespace")
	resourceScrapeError = resource("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise")
)

func resource(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// resourceMetrics answers /metrics/resource with what one node uses: what metrics-server reads.
func (s *Server) resourceMetrics(w http.ResponseWriter, r *http.Request) {
	node, ok := s.asked(w, r)
	if !ok {
		return
	}
	summary, err := node.Stats.CPUAndMemory(r.Context())
	if err != nil {
		s.options.Log.Error(err, "Measuring a node", "node", node.Name)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(resourceCollector{summary, err != nil})
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// asked is the node that a request is about: the one that it names, or the only one there is. Otherwise it answers and returns false.
func (s *Server) asked(w http.ResponseWriter, r *http.Request) (Node, bool) {
	name := r.PathValue("node")
	if name == "" {
		name = s.options.NodeName
	}
	if name == "" {
		refuse(w, http.StatusNotFound, "this server speaks for many nodes: ask for %s", ResourceMetricsPath("NAME"))
		return Node{}, false
	}
	node, ok := s.options.Node(name)
	if !ok || node.Stats == nil {
		refuse(w, http.StatusNotFound, "nothing is measured of node %q here", name)
		return Node{}, false
	}
	return node, true
}

// AnnotationResourceMetricsPath is the annotation of a Node that tells metrics-server where its figures are, if not at
// /metrics/resource: many simulated nodes share one server.
const AnnotationResourceMetricsPath = "metrics.k8s.io/resource-metrics-path"

// ResourceMetricsPath is where the figures of one node are, also where the server speaks for many.
func ResourceMetricsPath(node string) string { return "/metrics/nodes/" + node + "/metrics/resource" }

// resourceCollector writes what was measured in Prometheus' terms.
type resourceCollector struct {
	summary *stats.Summary // nil if it failed
	failed  bool
}

// Describe implements prometheus.Collector: with no description of what comes nothing is checked against one.
func (resourceCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c resourceCollector) Collect(to chan<- prometheus.Metric) {
	failed := 0.0
	if c.failed {
		failed = 1
	}
	to <- prometheus.MustNewConstMetric(resourceScrapeError, prometheus.GaugeValue, failed)
	if c.summary == nil {
		return
	}
	out := figures{to}
	out.all(of{cpu: nodeCPU, memory: nodeMemory, swap: nodeSwap}, c.summary.Node.CPU, c.summary.Node.Memory, c.summary.Node.Swap)
	for i := range c.summary.Pods {
		out.pod(&c.summary.Pods[i])
	}
}

// of says under which names figures are written.
type of struct{ cpu, memory, swap *prometheus.Desc }

type figures struct{ to chan<- prometheus.Metric }

func (f figures) pod(pod *stats.PodStats) {
	for i := range pod.Containers {
		c := &pod.Containers[i]
		labels := []string{c.Name, pod.PodRef.Name, pod.PodRef.Namespace}
		if c.StartTime.Unix() > 0 {
			f.to <- prometheus.MustNewConstMetric(containerStartTime, prometheus.GaugeValue, float64(c.StartTime.UnixNano())/float64(time.Second), labels...)
		}
		f.all(of{cpu: containerCPU, memory: containerMemory, swap: containerSwap}, c.CPU, c.Memory, c.Swap, labels...)
		if c.Swap != nil && c.Swap.SwapAvailableBytes != nil {
			limit := float64(*c.Swap.SwapAvailableBytes)
			if c.Swap.SwapUsageBytes != nil {
				limit += float64(*c.Swap.SwapUsageBytes)
			}
			f.at(c.Swap.Time, containerSwapLimit, prometheus.GaugeValue, limit, labels...)
		}
	}
	f.all(of{cpu: podCPU, memory: podMemory, swap: podSwap}, pod.CPU, pod.Memory, pod.Swap, pod.PodRef.Name, pod.PodRef.Namespace)
}

// all writes CPU, memory and swap, as far as they were measured.
func (f figures) all(of of, cpu *stats.CPUStats, memory *stats.MemoryStats, swap *stats.SwapStats, labels ...string) {
	if cpu != nil && cpu.UsageCoreNanoSeconds != nil {
		f.at(cpu.Time, of.cpu, prometheus.CounterValue, float64(*cpu.UsageCoreNanoSeconds)/float64(time.Second), labels...)
	}
	if memory != nil && memory.WorkingSetBytes != nil {
		f.at(memory.Time, of.memory, prometheus.GaugeValue, float64(*memory.WorkingSetBytes), labels...)
	}
	if swap != nil && swap.SwapUsageBytes != nil {
		f.at(swap.Time, of.swap, prometheus.GaugeValue, float64(*swap.SwapUsageBytes), labels...)
	}
}

// at writes a figure with the time at which it was measured.
func (f figures) at(when metav1.Time, desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	f.to <- prometheus.NewMetricWithTimestamp(when.Time, prometheus.MustNewConstMetric(desc, kind, value, labels...))
}
