package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/probes"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// measured is what is measured of a node.
type measured struct {
	summary *stats.Summary
	err     error
}

func (m measured) CPUAndMemory(context.Context) (*stats.Summary, error) { return m.summary, m.err }

func (m measured) Summary(context.Context) (*stats.Summary, error) { return m.summary, m.err }

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

// answered are the answers of a pod's probes.
func answered() []probes.Results {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "u"}}
	return []probes.Results{{Pod: pod, Container: "nginx", Kind: probes.Liveness, Succeeded: 3, Failed: 1}, {Pod: pod, Container: "nginx", Kind: probes.Readiness, Succeeded: 2}}
}

// samples asks for a path of a server that speaks for nodes; name is the only one's, or empty.
func samples(t *testing.T, name, path string, nodes map[string]measured) (int, []string) {
	t.Helper()
	s := New(Options{
		NodeName: name, Log: logr.Discard(), Pods: func() []*corev1.Pod { return nil },
		Node: func(name string) (Node, bool) {
			of, ok := nodes[name]
			return Node{Name: name, Stats: of, Probes: answered}, ok
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

func TestTheSummaryIsOfTheNodeAndItsPods(t *testing.T) {
	code, got := samples(t, "one", "/stats/summary", map[string]measured{"one": {summary: aSummary()}})
	text := strings.Join(got, "")
	for _, want := range []string{`"nodeName":"one"`, `"name":"nginx"`, `"usageCoreNanoSeconds":750000000`, `"workingSetBytes":4096`} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("answered %d: %s\nwithout %s", code, text, want)
		}
	}
	if code, got := samples(t, "one", "/stats/summary", map[string]measured{"one": {err: errors.New("down")}}); code != http.StatusInternalServerError {
		t.Errorf("a node that cannot be measured answered %d: %v", code, got)
	}
}

func TestProbeMetricsAreTheKubelets(t *testing.T) {
	code, got := samples(t, "one", "/metrics/probes", map[string]measured{"one": {}})
	want := []string{
		`prober_probe_total{container="nginx",namespace="default",pod="web",pod_uid="u",probe_type="Liveness",result="failed"} 1`,
		`prober_probe_total{container="nginx",namespace="default",pod="web",pod_uid="u",probe_type="Liveness",result="successful"} 3`,
		`prober_probe_total{container="nginx",namespace="default",pod="web",pod_uid="u",probe_type="Readiness",result="successful"} 2`,
	}
	if text := strings.Join(got, "\n"); code != http.StatusOK || text != strings.Join(want, "\n") {
		t.Errorf("answered %d:\n%s", code, text)
	}
}

func TestCadvisorMetricsOfANodeWithoutGroupsAreWhatIsMeasured(t *testing.T) {
	code, got := samples(t, "one", "/metrics/cadvisor", map[string]measured{"one": {summary: aSummary()}})
	text := strings.Join(got, "\n")
	for _, want := range []string{
		`container_cpu_usage_seconds_total{container="nginx",cpu="total",id="/pod/nginx",image="nginx",name="nginx",namespace="default",pod="web"} 0.75 `,
		`container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 1.073741824e+09 `,
		"container_scrape_error 0",
	} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("answered %d: there is no %s in\n%s", code, want, text)
		}
	}
	if code, got := samples(t, "one", "/metrics/cadvisor", map[string]measured{"one": {err: errors.New("down")}}); code != http.StatusOK || !slices.Contains(got, "container_scrape_error 1") {
		t.Errorf("a node that cannot be measured answered %d: %v", code, got)
	}
}

// aRuntime has a pod whose one container runs, and whose other has ended.
func aRuntime(t *testing.T) *simulated.Runtime {
	t.Helper()
	rt, labels := simulated.New(simulated.Options{Images: []string{"image"}}), map[string]string{cri.LabelAgent: "one"}
	config := &runtimeapi.PodSandboxConfig{Metadata: &runtimeapi.PodSandboxMetadata{Name: "web", Namespace: "default", Uid: "u"}, Labels: labels}
	sandbox, err := rt.RunPodSandbox(t.Context(), config, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ended", "main"} {
		id, err := rt.CreateContainer(t.Context(), sandbox, &runtimeapi.ContainerConfig{
			Metadata: &runtimeapi.ContainerMetadata{Name: name}, Image: &runtimeapi.ImageSpec{Image: "image"}, Labels: labels,
		}, config)
		if err == nil {
			err = rt.StartContainer(t.Context(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "ended" {
			rt.Kill(id, 0, "Completed")
		}
	}
	return rt
}

func TestRunningPodsAreTheRuntimes(t *testing.T) {
	pods, err := runningOn(t.Context(), Node{Name: "one", Runtime: aRuntime(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods) != 1 || pods[0].Name != "web" || pods[0].UID != "u" || len(pods[0].Spec.Containers) != 1 || pods[0].Spec.Containers[0].Name != "main" {
		t.Errorf("%+v", pods)
	}
	if pods, err := runningOn(t.Context(), Node{Name: "other", Runtime: aRuntime(t)}); err != nil || len(pods) > 0 {
		t.Errorf("another node's agent has %+v (%v)", pods, err)
	}
}
