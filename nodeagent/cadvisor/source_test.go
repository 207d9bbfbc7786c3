package cadvisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

var began = time.Unix(1_700_000_000, 0)

// machine has one pod with one container, whose control groups and network are files.
type machine struct {
	source             *Source
	runtime            *simulated.Runtime
	pod                *corev1.Pod
	sandbox, container string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir, ctx := t.TempDir(), t.Context()
	runtime := simulated.New(simulated.Options{Clock: testingclock.NewFakeClock(began), Images: []string{"nginx:1"}})
	m := &machine{runtime: runtime, pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "u"}}}
	labels := map[string]string{cri.LabelAgent: "one", cri.LabelPodUID: "u"}
	config := &runtimeapi.PodSandboxConfig{Metadata: &runtimeapi.PodSandboxMetadata{Name: "web"}, Labels: labels}
	var err error
	if m.sandbox, err = runtime.RunPodSandbox(ctx, config, ""); err != nil {
		t.Fatal(err)
	}
	m.container, err = runtime.CreateContainer(ctx, m.sandbox, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: "app"}, Image: &runtimeapi.ImageSpec{Image: "nginx:1"}, Labels: labels,
	}, config)
	if err == nil {
		err = runtime.StartContainer(ctx, m.container)
	}
	if err != nil {
		t.Fatal(err)
	}
	of := cgroups.Path("/o", m.pod)
	for _, group := range []string{of, of + "/" + m.sandbox, of + "/" + m.container} {
		write(t, filepath.Join(dir, "cgroup", group, "cpu.stat"), "usage_usec 1500000\nnr_periods 4\nnr_throttled 2\nthrottled_usec 500000\n")
	}
	write(t, filepath.Join(dir, "cgroup", of, m.container, "memory.current"), "4096\n")
	write(t, filepath.Join(dir, "cgroup", of, m.container, "cpu.max"), "50000 100000\n")
	write(t, filepath.Join(dir, "cgroup", of, m.sandbox, "cgroup.procs"), "7\n")
	write(t, filepath.Join(dir, "proc", "7", "net", "dev"), netDev)
	m.source = &Source{
		Node: "one", Runtime: runtime, Pods: func() []*corev1.Pod { return []*corev1.Pod{m.pod} },
		Cgroups: &cgroups.FS{Mount: filepath.Join(dir, "cgroup"), V2: true}, Root: "/o", Proc: filepath.Join(dir, "proc"),
		Machine: func() Group { return Group{ID: "/"} },
	}
	return m
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) groups(t *testing.T) []Group {
	t.Helper()
	groups, err := m.source.Groups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func ids(groups []Group) (found []string) {
	for _, g := range groups {
		found = append(found, g.ID)
	}
	return found
}

func TestGroupsOfAPodAreItsOwnItsSandboxsAndItsContainers(t *testing.T) {
	m := newMachine(t)
	got, of := m.groups(t), cgroups.Path("/o", m.pod)
	if want := []string{"/", of, of + "/" + m.sandbox, of + "/" + m.container}; !slices.Equal(ids(got), want) {
		t.Fatalf("groups %v, want %v", ids(got), want)
	}
	whole, sandbox, app := got[1], got[2], got[3]
	if whole.Name != "" || whole.Container != "" || whole.Pod != "web" || len(whole.Network) != 0 {
		t.Errorf("the pod is %+v", whole)
	}
	if sandbox.Name != m.sandbox || sandbox.Container != "" || len(sandbox.Network) != 1 || sandbox.Network[0].Name != "eth0" {
		t.Errorf("the sandbox is %+v", sandbox)
	}
	if app.Name != m.container || app.Container != "app" || app.Image != "nginx:1" || *app.Memory != 4096 || *app.Quota != 50000 || !app.Start.Equal(began) {
		t.Errorf("the container is %+v", app)
	}
}

func TestGroupsThatAreGoneAreLeftOut(t *testing.T) {
	m := newMachine(t)
	m.runtime.Kill(m.container, 0, "Completed")
	if got := ids(m.groups(t)); len(got) != 3 || slices.Contains(got, cgroups.Path("/o", m.pod)+"/"+m.container) {
		t.Errorf("after the container ended: %v", got)
	}
	m.source.Cgroups = &cgroups.FS{Mount: t.TempDir(), V2: true}
	if got := ids(m.groups(t)); !slices.Equal(got, []string{"/"}) {
		t.Errorf("without control groups: %v", got)
	}
}

func TestAPodOnTheMachinesNetworkHasNoneOfItsOwn(t *testing.T) {
	m := newMachine(t)
	m.pod.Spec.HostNetwork = true
	for _, g := range m.groups(t) {
		if len(g.Network) > 0 {
			t.Errorf("%s has %+v", g.ID, g.Network)
		}
	}
}

func TestARuntimeThatDoesNotAnswerIsAnError(t *testing.T) {
	m := newMachine(t)
	down := errors.New("down")
	m.runtime.Break(down)
	if _, err := m.source.Groups(context.Background()); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}

func TestSeriesHaveCAdvisorsNamesAndLabels(t *testing.T) {
	n := ptr.To[uint64]
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collector{
		Machine: Machine{MachineID: "m", SystemUUID: "s", BootID: "b", Cores: 2, Memory: 1024}, Now: began,
		Groups: []Group{
			{ID: "/o/podu", Pod: "web", Namespace: "default", Details: cgroups.Details{CPU: n(2_500_000_000)}},
			{ID: "/o/podu/s", Name: "s", Image: "pause", Pod: "web", Namespace: "default", Network: interfaces(netDev)},
			{
				ID: "/o/podu/c", Name: "c", Image: "nginx:1", Container: "app", Pod: "web", Namespace: "default", Start: began,
				Written: n(512), Device: "/var/lib",
				Details: cgroups.Details{
					CPU: n(1_500_000_000), Periods: n(4), Throttled: n(2), ThrottledTime: n(500_000_000), Quota: n(50000), Period: n(100000),
					Memory: n(4096), MajorFaults: n(3),
				},
			},
		},
	})
	const of = `container="app",id="/o/podu/c",image="nginx:1",name="c",namespace="default",pod="web"`
	const sandbox = `container="",id="/o/podu/s",image="pause",`
	text := gather(t, registry)
	for _, want := range []string{
		`container_cpu_usage_seconds_total{container="app",cpu="total",id="/o/podu/c",image="nginx:1",name="c",namespace="default",pod="web"} 1.5 1700000000000`,
		`container_cpu_usage_seconds_total{container="",cpu="total",id="/o/podu",image="",name="",namespace="default",pod="web"} 2.5 1700000000000`,
		`container_cpu_cfs_periods_total{` + of + `} 4 1700000000000`,
		`container_cpu_cfs_throttled_seconds_total{` + of + `} 0.5 1700000000000`,
		`container_memory_usage_bytes{` + of + `} 4096 1700000000000`,
		`container_memory_failures_total{container="app",failure_type="pgmajfault",id="/o/podu/c",image="nginx:1",name="c",namespace="default",pod="web",scope="hierarchy"} 3 1700000000000`,
		`container_fs_usage_bytes{container="app",device="/var/lib",id="/o/podu/c",image="nginx:1",name="c",namespace="default",pod="web"} 512 1700000000000`,
		`container_network_receive_bytes_total{` + sandbox + `interface="eth0",name="s",namespace="default",pod="web"} 1.048576e+06 1700000000000`,
		`container_network_transmit_packets_dropped_total{` + sandbox + `interface="eth0",name="s",namespace="default",pod="web"} 5 1700000000000`,
		`container_start_time_seconds{` + of + `} 1.7e+09`,
		`container_last_seen{` + of + `} 1.7e+09 1700000000000`,
		`container_spec_cpu_quota{` + of + `} 50000`,
		`container_spec_memory_limit_bytes{` + of + `} 0`,
		`machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 2 1700000000000`,
		`container_scrape_error 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	for _, never := range []string{"container_memory_rss{", `container_cpu_cfs_periods_total{container=""`, `container_spec_memory_limit_bytes{container=""`} {
		if strings.Contains(text, never) {
			t.Errorf("there is a %s of which nothing is known", never)
		}
	}
}

func TestANodeWithoutGroupsTellsWhatItsRuntimeTells(t *testing.T) {
	got := FromSummary(&statsv1alpha1.Summary{
		Node: statsv1alpha1.NodeStats{CPU: &statsv1alpha1.CPUStats{UsageCoreNanoSeconds: ptr.To[uint64](9)}},
		Pods: []statsv1alpha1.PodStats{{
			PodRef: statsv1alpha1.PodReference{Name: "web", Namespace: "default", UID: "u"},
			Containers: []statsv1alpha1.ContainerStats{{
				Name: "app", StartTime: metav1.NewTime(began), CPU: &statsv1alpha1.CPUStats{UsageCoreNanoSeconds: ptr.To[uint64](5)},
				Memory: &statsv1alpha1.MemoryStats{WorkingSetBytes: ptr.To[uint64](7)},
			}},
		}},
	})
	if want := []string{"/", "/podu", "/podu/app"}; !slices.Equal(ids(got), want) {
		t.Fatalf("groups %v, want %v", ids(got), want)
	}
	if app := got[2]; app.Container != "app" || app.Name == "" || app.Image == "" || *app.CPU != 5 || *app.WorkingSet != 7 || app.Memory != nil || !app.Start.Equal(began) {
		t.Errorf("the container is %+v", app)
	}
}
