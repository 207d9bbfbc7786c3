package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// measures are the metrics of kube-proxy, under its names and with its buckets, as far as they mean something here.
type measures struct {
	sync        prometheus.Histogram
	programming prometheus.Histogram
	lastSync    prometheus.Gauge
	failures    prometheus.Counter
	noLocal     *prometheus.GaugeVec
	healthz     *prometheus.CounterVec
	livez       *prometheus.CounterVec
}

// measured are those of all proxies of the process, of which there is one but in tests.
var measured = newMeasures()

func newMeasures() *measures {
	// One table is for both families: what it costs is counted once, under the one that every cluster here has.
	family := prometheus.Labels{"ip_family": string(corev1.IPv4Protocol)}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "kubeproxy", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "kubeproxy", Name: name, Help: help}
	}
	failures := counter("sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures")
	failures.ConstLabels = family
	lastSync := gauge("sync_proxy_rules_last_timestamp_seconds", "The last time proxy rules were successfully synced")
	lastSync.ConstLabels = family
	return &measures{
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "kubeproxy", Name: "sync_proxy_rules_duration_seconds", ConstLabels: family,
			Help: "SyncProxyRules latency in seconds", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
		programming: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "kubeproxy", Name: "network_programming_duration_seconds", ConstLabels: family,
			Help: "In Cluster Network Programming Latency in seconds", Buckets: programmingBuckets(),
		}),
		lastSync: prometheus.NewGauge(lastSync),
		failures: prometheus.NewCounter(failures),
		noLocal: prometheus.NewGaugeVec(gauge("sync_proxy_rules_no_local_endpoints_total",
			"Number of services with a Local traffic policy and no endpoints"), []string{"ip_family", "traffic_policy"}),
		healthz: prometheus.NewCounterVec(counter("proxy_healthz_total", "Cumulative proxy healthz HTTP status"), []string{"code"}),
		livez:   prometheus.NewCounterVec(counter("proxy_livez_total", "Cumulative proxy livez HTTP status"), []string{"code"}),
	}
}

func programmingBuckets() []float64 {
	buckets := []float64{0.25, 0.5}
	buckets = append(buckets, prometheus.LinearBuckets(1, 1, 59)...)
	buckets = append(buckets, prometheus.LinearBuckets(60, 5, 12)...)
	return append(buckets, prometheus.LinearBuckets(120, 30, 7)...)
}

// register shows them among those of the process.
func (m *measures) register() error {
	for _, c := range []prometheus.Collector{m.sync, m.programming, m.lastSync, m.failures, m.noLocal, m.healthz, m.livez} {
		var already prometheus.AlreadyRegisteredError
		if err := metrics.Registry.Register(c); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("registering the proxy's metrics: %w", err)
		}
	}
	return nil
}

// measure is how a pass went, which came to its end: it changes nothing, and so it is no work.
type measure struct {
	begun time.Time
	// wrote says that the table was written.
	wrote bool
	// triggers are when the changes happened that EndpointSlices show, as they say, by slice.
	triggers map[types.NamespacedName]string
	// noLocal is for how many ports traffic is dropped for want of an endpoint here.
	noLocal map[dropped]int
}

func (*measure) Idle() bool { return true }

func (*measure) Verb() string { return "measure" }

func (*measure) String() string { return "measure" }

func (*measure) Why() string { return "" }

func (s *measure) Do(_ context.Context, n *node) error {
	now := time.Now()
	if s.wrote {
		measured.sync.Observe(now.Sub(s.begun).Seconds())
	}
	measured.lastSync.Set(float64(now.UnixNano()) / 1e9)
	for by, count := range s.noLocal {
		measured.noLocal.WithLabelValues(string(by.family), by.policy).Set(float64(count))
	}
	for _, latency := range n.programmed(s.triggers, now) {
		measured.programming.Observe(latency.Seconds())
	}
	return nil
}

// programmed notes which changes of EndpointSlices the table follows, and is how long each took that it did not follow before. What had
// happened before the first pass says nothing about us.
func (n *node) programmed(triggers map[types.NamespacedName]string, now time.Time) []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	var latencies []time.Duration
	for slice, trigger := range triggers {
		if n.followed == nil || n.followed[slice] == trigger {
			continue
		}
		if at, err := time.Parse(time.RFC3339Nano, trigger); err == nil {
			latencies = append(latencies, max(0, now.Sub(at)))
		}
	}
	n.followed = maps.Clone(triggers)
	if n.followed == nil {
		n.followed = map[types.NamespacedName]string{}
	}
	return latencies
}

// triggersOf are when the changes happened that EndpointSlices show.
func triggersOf(w World) map[types.NamespacedName]string {
	triggers := map[types.NamespacedName]string{}
	for _, slice := range w.Slices {
		if at := slice.Annotations[corev1.EndpointsLastChangeTriggerTime]; at != "" {
			triggers[types.NamespacedName{Namespace: slice.Namespace, Name: slice.Name}] = at
		}
	}
	return triggers
}

// dropped is traffic of a family that a policy has dropped.
type dropped struct {
	family ipfamily.Family
	policy string
}

// withoutLocal counts the ports of which traffic is dropped for want of an endpoint on this node.
func withoutLocal(families []ipfamily.Family, ports []port) map[dropped]int {
	counts := map[dropped]int{}
	for _, family := range families {
		counts[dropped{family, "internal"}], counts[dropped{family, "external"}] = 0, 0
	}
	for i := range ports {
		p := &ports[i]
		if len(p.cluster) == 0 || len(p.local) > 0 {
			continue
		}
		if p.internalLocal {
			counts[dropped{p.family, "internal"}]++
		}
		if p.externalLocal {
			counts[dropped{p.family, "external"}]++
		}
	}
	return counts
}
