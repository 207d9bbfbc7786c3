package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics"
	upstream "k8s.io/kubernetes/pkg/proxy/metrics"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

func TestMetricsHaveKubeProxysNames(t *testing.T) {
	theirs := []metrics.Registerable{
		upstream.SyncProxyRulesLatency, upstream.NetworkProgrammingLatency, upstream.SyncProxyRulesLastTimestamp, upstream.NFTablesSyncFailuresTotal,
		upstream.SyncProxyRulesNoLocalEndpointsTotal, upstream.ProxyHealthzTotal, upstream.ProxyLivezTotal,
	}
	m := newMeasures()
	ours := []prometheus.Collector{m.sync, m.programming, m.lastSync, m.failures, m.noLocal, m.healthz, m.livez}
	for i, c := range ours {
		described := make(chan *prometheus.Desc, 1)
		c.Describe(described)
		if text := (<-described).String(); !strings.Contains(text, `fqName: "`+theirs[i].FQName()+`"`) {
			t.Errorf("it is %s, want %s", text, theirs[i].FQName())
		}
	}
}

func TestHowLongAChangeTook(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	web, dns := types.NamespacedName{Name: "web"}, types.NamespacedName{Name: "dns"}
	ago := func(d time.Duration) string { return now.Add(-d).Format(time.RFC3339Nano) }
	var n node
	for _, c := range []struct {
		name     string
		triggers map[types.NamespacedName]string
		want     []time.Duration
	}{
		{"what was before the first pass says nothing", map[types.NamespacedName]string{web: ago(time.Hour)}, nil},
		{"what has not changed neither", map[types.NamespacedName]string{web: ago(time.Hour)}, nil},
		{"a change, and a slice that is new", map[types.NamespacedName]string{web: ago(time.Second), dns: ago(2 * time.Second)}, []time.Duration{time.Second, 2 * time.Second}},
		{"what cannot be read", map[types.NamespacedName]string{web: "yesterday", dns: ago(2 * time.Second)}, nil},
		{"a clock that is ahead", map[types.NamespacedName]string{dns: ago(-time.Second)}, []time.Duration{0}},
	} {
		got := n.programmed(c.triggers, now)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPortsWithoutLocalEndpointsAreCounted(t *testing.T) {
	there := slice(at("10.84.1.6", "there"))
	for _, c := range []struct {
		name               string
		world              World
		internal, external int
	}{
		{"none", worldOf(service(), there), 0, 0},
		{"both policies", worldOf(service(nodePort, internalLocal, externalLocal), there), 1, 1},
		{"one endpoint is here", worldOf(service(internalLocal), slice(at("10.84.0.5", "here"))), 0, 0},
		{"there is no endpoint anywhere", worldOf(service(internalLocal)), 0, 0},
	} {
		if got := withoutLocal(c.world.families(), ports(c.world)); got[dropped{ipfamily.IPv4, "internal"}] != c.internal || got[dropped{ipfamily.IPv4, "external"}] != c.external {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
