package eviction

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/stats"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

const mib = 1 << 20

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// model is a node with 1000 MiB of memory, whose pods use what is said, on a stepped clock.
type model struct {
	t      *testing.T
	clock  *testingclock.FakeClock
	layout stats.Layout
	// other is what the node uses besides its pods, and pods what these do, in MiB of memory.
	other int
	pods  []*corev1.Pod
	uses  map[types.UID]int
	// full is how many of 100 parts of the disk are in use, and unused those of images that nobody uses.
	full, unused int
	// slow pods go on using what they use after they were evicted.
	slow bool
	// log is what was done, and wrong what of that must never be.
	log, wrong []string
	manager    *Manager
}

func newModel(t *testing.T, settings Settings) *model {
	m := &model{t: t, clock: testingclock.NewFakeClock(start), uses: map[types.UID]int{}}
	if err := m.begin(settings); err != nil {
		t.Fatal(err)
	}
	return m
}

// begin starts the manager anew: all that it remembered is lost.
func (m *model) begin(settings Settings) (err error) {
	m.manager, err = New(Options{
		Settings: settings, Stats: m, Reclaim: m, Clock: m.clock, Log: logr.Discard(),
		Pods:  func() []*corev1.Pod { return m.pods },
		Evict: m.evict, Ended: func(uid types.UID) bool { return m.uses[uid] == 0 },
		PodEvent: func(pod *corev1.Pod, annotations map[string]string, kind, reason, _ string) {
			m.note("%s %s of %s, starved of %q", kind, reason, pod.Name, annotations["starved_resource"])
		},
		NodeEvent: func(kind, reason, message string) { m.note("%s %s: %s", kind, reason, message) },
	})
	return err
}

func (m *model) note(format string, args ...any) {
	at := m.clock.Since(start).Round(time.Second)
	m.log = append(m.log, fmt.Sprintf("%s: ", at)+fmt.Sprintf(format, args...))
}

// run adds a pod that uses so much memory and requests so much.
func (m *model) run(name string, uses, requests int, change ...func(*corev1.Pod)) {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.UID, pod.Status.Phase = name, "default", types.UID(name), corev1.PodRunning
	pod.Spec.Containers = []corev1.Container{{Name: "main"}}
	if requests > 0 {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(int64(requests)*mib, resource.BinarySI)}
	}
	for _, c := range change {
		c(pod)
	}
	m.pods, m.uses[pod.UID] = append(m.pods, pod), uses
}

func (m *model) evict(uid types.UID, e pods.Eviction) bool {
	m.note("%s has %s to end, disrupted: %t", uid, e.Grace, e.Disrupts)
	for _, pod := range m.pods {
		if pod.UID != uid {
			continue
		}
		pod.Status.Phase = corev1.PodFailed
		if status.Critical(pod) {
			m.wrong = append(m.wrong, fmt.Sprintf("%s was evicted, which never may be", uid))
		}
	}
	if m.left() >= 100 && m.full+m.unused <= 85 {
		m.wrong = append(m.wrong, fmt.Sprintf("%s was evicted from a node that is short of nothing", uid))
	}
	if !m.slow {
		m.uses[uid] = 0
	}
	return true
}

// pass makes passes until nothing is to be done at once, and says when the next is due.
func (m *model) pass() time.Duration {
	m.t.Helper()
	for range 10 {
		outcome := m.manager.engine.Pass(m.t.Context(), engine.One{})
		if outcome.Err != nil {
			m.t.Fatal(outcome.Err)
		}
		if outcome.After > time.Millisecond {
			return outcome.After
		}
	}
	m.t.Fatal("it goes on and on")
	return 0
}

// goOn passes for so long.
func (m *model) goOn(d time.Duration) {
	m.t.Helper()
	for end := m.clock.Now().Add(d); ; {
		next := m.clock.Now().Add(m.pass())
		if next.After(end) {
			m.clock.SetTime(end)
			return
		}
		m.clock.SetTime(next)
	}
}

// left is how much memory is, in MiB.
func (m *model) left() int {
	left := 1000 - m.other
	for _, uses := range m.uses {
		left -= uses
	}
	return max(left, 0)
}

func (m *model) NodeStats(context.Context) (*statsv1alpha1.NodeStats, stats.Layout, error) {
	left, working := uint64(m.left()*mib), uint64((1000-m.left())*mib)
	capacity, available := uint64(100), uint64(100-m.full-m.unused)
	fs := &statsv1alpha1.FsStats{CapacityBytes: &capacity, AvailableBytes: &available}
	return &statsv1alpha1.NodeStats{
		Memory: &statsv1alpha1.MemoryStats{AvailableBytes: &left, WorkingSetBytes: &working}, Fs: fs,
		Runtime: &statsv1alpha1.RuntimeStats{ImageFs: fs, ContainerFs: fs},
	}, m.layout, nil
}

func (m *model) Summary(context.Context) (*statsv1alpha1.Summary, error) {
	summary := &statsv1alpha1.Summary{}
	for _, pod := range m.pods {
		bytes := uint64(m.uses[pod.UID] * mib)
		memory := &statsv1alpha1.MemoryStats{WorkingSetBytes: &bytes}
		summary.Pods = append(summary.Pods, statsv1alpha1.PodStats{
			PodRef: statsv1alpha1.PodReference{UID: string(pod.UID)}, Memory: memory,
			Containers: []statsv1alpha1.ContainerStats{{Name: "main", Memory: memory}},
		})
	}
	return summary, nil
}

func (m *model) DeleteAllUnusedContainers(context.Context) error {
	m.note("dead containers are removed")
	return nil
}

func (m *model) DeleteUnusedImages(context.Context) error {
	m.note("images are removed")
	m.unused = 0
	return nil
}

func (m *model) want(lines ...string) {
	m.t.Helper()
	if got, want := strings.Join(m.log, "\n"), strings.Join(lines, "\n"); got != want {
		m.t.Errorf("it went\n%s\n\nwant\n%s", got, want)
	}
	m.log = nil
}

func (m *model) conditions(want ...corev1.NodeConditionType) {
	m.t.Helper()
	if got := m.manager.Conditions(); fmt.Sprint(got) != fmt.Sprint(want) {
		m.t.Errorf("at %s the node has %v, want %v", m.clock.Since(start), got, want)
	}
}
