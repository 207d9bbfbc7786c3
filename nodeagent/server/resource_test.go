package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// measured is what is measured of a node.
type measured struct {
	summary *stats.Summary
	err     error
}

func (m measured) CPUAndMemory(context.Context) (*stats.Summary, error) { return m.summary, m.err }

// aSummary is of a node with one pod, whose one container has swap.
func aSummary() *stats.Summary {
	at := metav1.NewTime(time.UnixMilli(1_700_000_000_123))
	return &stats.Summary{
		Node: stats.NodeStats{
			NodeName: "one", CPU: &stats.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To[uint64](2_500_000_000)},
			Memory: &stats.MemoryStats{Time: at, WorkingSetBytes: ptr.To[uint64](1 << 30)},
		},
		Pods: []stats.PodStats{{
			PodRef: stats.PodReference{Name: "web", Namespace: "default"},
			CPU:    &stats.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To[uint64](1_000_000_000)},
			Containers: []stats.ContainerStats{{
				Name: "nginx", StartTime: metav1.NewTime(time.Unix(1_699_999_000, 0)),
				CPU:    &stats.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To[uint64](750_000_000)},
				Memory: &stats.MemoryStats{Time: at, WorkingSetBytes: ptr.To[uint64](4096)},
				Swap:   &stats.SwapStats{Time: at, SwapUsageBytes: ptr.To[uint64](10), SwapAvailableBytes: ptr.To[uint64](90)},
			}},
		}},
	}
}

// samples asks for a path of a server that speaks for nodes; name is the only one's, or empty.
func samples(t *testing.T, name, path string, nodes map[string]measured) (int, []string) {
	t.Helper()
	s := New(Options{
		NodeName: name, Log: logr.Discard(), Pods: func() []*corev1.Pod { return nil },
		Node: func(name string) (Node, bool) {
			of, ok := nodes[name]
			return Node{Name: name, Stats: of}, ok
		},
	})
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	var lines []string
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return answer.Code, lines
}

func TestResourceMetricsAreTheKubelets(t *testing.T) {
	code, got := samples(t, "one", "/metrics/resource", map[string]measured{"one": {summary: aSummary()}})
	want := []string{
		`container_cpu_usage_seconds_total{container="nginx",namespace="default",pod="web"} 0.75 1700000000123`,
		`container_memory_working_set_bytes{container="nginx",namespace="default",pod="web"} 4096 1700000000123`,
		`container_start_time_seconds{container="nginx",namespace="default",pod="web"} 1.699999e+09`,
		`container_swap_limit_bytes{container="nginx",namespace="default",pod="web"} 100 1700000000123`,
		`container_swap_usage_bytes{container="nginx",namespace="default",pod="web"} 10 1700000000123`,
		`node_cpu_usage_seconds_total 2.5 1700000000123`,
		`node_memory_working_set_bytes 1.073741824e+09 1700000000123`,
		`pod_cpu_usage_seconds_total{namespace="default",pod="web"} 1 1700000000123`,
		`resource_scrape_error 0`,
	}
	if text := strings.Join(got, "\n"); code != http.StatusOK || text != strings.Join(want, "\n") {
		t.Errorf("answered %d:\n%s\nwant\n%s", code, text, strings.Join(want, "\n"))
	}
}

func TestANodeThatCannotBeMeasuredSaysSo(t *testing.T) {
	code, got := samples(t, "one", "/metrics/resource", map[string]measured{"one": {err: errors.New("down")}})
	if code != http.StatusOK || len(got) != 1 || got[0] != "resource_scrape_error 1" {
		t.Errorf("answered %d: %q", code, got)
	}
}

func TestOneOfManyNodesIsAskedForByItsName(t *testing.T) {
	two := aSummary()
	two.Node.CPU.UsageCoreNanoSeconds = ptr.To[uint64](9_000_000_000)
	nodes := map[string]measured{"one": {summary: aSummary()}, "two": {summary: two}}
	for path, want := range map[string]string{
		ResourceMetricsPath("two"):  "node_cpu_usage_seconds_total 9 1700000000123",
		ResourceMetricsPath("one"):  "node_cpu_usage_seconds_total 2.5 1700000000123",
		ResourceMetricsPath("none"): `nothing is measured of node "none" here`,
		"/metrics/resource":         "this server speaks for many nodes: ask for /metrics/nodes/NAME/metrics/resource",
	} {
		code, got := samples(t, "", path, nodes)
		if text := strings.Join(got, "\n"); !strings.Contains(text, want) || (code == http.StatusOK) != strings.HasPrefix(want, "node_") {
			t.Errorf("%s: answered %d: %s\nwant %s", path, code, text, want)
		}
	}
}
