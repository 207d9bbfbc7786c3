package probes

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	testingclock "k8s.io/utils/clock/testing"
)

func TestCounterReachesItsThresholds(t *testing.T) {
	probe := &corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3}
	var c Counter
	for i, step := range []struct{ success, passed, condemned bool }{
		{false, false, false}, {false, false, false}, {false, false, true},
		{true, false, true}, {true, true, false},
		{false, true, false}, {true, true, false}, {false, true, false}, {false, true, false}, {false, false, true},
	} {
		if c = c.Record(probe, step.success); c.Passed != step.passed || c.Condemned != step.condemned {
			t.Errorf("after result %d the counter is %+v, want %+v", i, c, step)
		}
	}
}

func TestVerdict(t *testing.T) {
	some := &corev1.Probe{}
	passed, condemned := Counter{Passed: true}, Counter{Condemned: true}
	for _, test := range []struct {
		name     string
		spec     corev1.Container
		counters map[Kind]Counter
		want     Verdict
	}{
		{"a container without probes is ready", corev1.Container{}, nil, Verdict{Started: true, Ready: true}},
		{"one that has not been found ready is not", corev1.Container{ReadinessProbe: some}, nil, Verdict{Started: true}},
		{"readiness counts only once it has started", corev1.Container{StartupProbe: some, ReadinessProbe: some},
			map[Kind]Counter{Readiness: passed}, Verdict{}},
		{"both passed", corev1.Container{StartupProbe: some, ReadinessProbe: some},
			map[Kind]Counter{Startup: passed, Readiness: passed}, Verdict{Started: true, Ready: true}},
		{"one that does not live is condemned", corev1.Container{LivenessProbe: some},
			map[Kind]Counter{Liveness: condemned}, Verdict{Started: true, Ready: true, Failed: "liveness"}},
		{"one that never starts is condemned", corev1.Container{StartupProbe: some, LivenessProbe: some},
			map[Kind]Counter{Startup: condemned}, Verdict{Failed: "startup"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Judge(&test.spec, test.counters); got != test.want {
				t.Errorf("the verdict is %+v, want %+v", got, test.want)
			}
		})
	}
}

// answers is a prober whose answers the test sets.
type answers struct {
	mu    sync.Mutex
	fails map[Kind]bool
	asked chan Kind
}

func (a *answers) Probe(_ context.Context, target Target, probe *corev1.Probe) error {
	kind := Readiness
	switch probe {
	case target.Container.StartupProbe:
		kind = Startup
	case target.Container.LivenessProbe:
		kind = Liveness
	}
	a.mu.Lock()
	fails := a.fails[kind]
	a.mu.Unlock()
	a.asked <- kind
	if fails {
		return errors.New("no")
	}
	return nil
}

func (a *answers) set(kind Kind, fails bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fails[kind] = fails
}

func TestManagerAsksInOrder(t *testing.T) {
	clock := testingclock.NewFakeClock(time.Unix(1000, 0))
	prober := &answers{fails: map[Kind]bool{Startup: true}, asked: make(chan Kind, 10)}
	changed := make(chan types.UID, 10)
	m := New(Options{Prober: prober, Clock: clock, Changed: func(uid types.UID) { changed <- uid }})
	defer m.Stop()
	spec := &corev1.Container{
		Name:           "main",
		StartupProbe:   &corev1.Probe{InitialDelaySeconds: 5, PeriodSeconds: 1, FailureThreshold: 10},
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 7},
	}
	target := Target{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod"}}, Container: spec, ID: "id", Started: clock.Now()}
	sync := func() Verdict {
		m.Sync("pod", []Target{target})
		return m.Verdicts("pod", []Target{target})["id"]
	}
	expect := func(what string, kind Kind) {
		t.Helper()
		select {
		case got := <-prober.asked:
			if got != kind {
				t.Fatalf("%s: %s was asked, want %s", what, got, kind)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing was asked", what)
		}
	}
	if got := sync(); got != (Verdict{}) {
		t.Fatalf("before any answer the verdict is %+v", got)
	}
	clock.Step(4 * time.Second)
	select {
	case kind := <-prober.asked:
		t.Fatalf("%s was asked before its initial delay was over", kind)
	default:
	}
	clock.Step(time.Second)
	expect("after the initial delay", Startup)
	waitTimer(t, clock)
	prober.set(Startup, false)
	clock.Step(time.Second)
	expect("after a period", Startup)
	<-changed
	if got := sync(); !got.Started || got.Ready {
		t.Fatalf("after the start the verdict is %+v", got)
	}
	clock.Step(time.Millisecond)
	expect("after the start", Readiness)
	<-changed
	if got := sync(); !got.Ready {
		t.Fatalf("at last the verdict is %+v", got)
	}
	want := []Results{{target.Pod, "main", Readiness, 1, 0}, {target.Pod, "main", Startup, 1, 1}}
	if got := m.Results(); !slices.Equal(got, want) {
		t.Errorf("the answers were %+v, want %+v", got, want)
	}
	if m.Sync("pod", nil); len(m.workers) != 0 {
		t.Error("a container that is gone is still probed")
	}
	if got := m.Results(); len(got) > 0 {
		t.Errorf("of a container that is gone is told %+v", got)
	}
}

// waitTimer waits until the manager has set its next timer.
func waitTimer(t *testing.T, clock *testingclock.FakeClock) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(10 * time.Second)
	for !clock.HasWaiters() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatal("no timer was set after ten seconds")
		}
	}
}

func TestRestartedAgentBelievesTheOneBefore(t *testing.T) {
	m := New(Options{Prober: &answers{asked: make(chan Kind, 10)}, Clock: testingclock.NewFakeClock(time.Unix(0, 0)), Changed: func(types.UID) {}})
	defer m.Stop()
	spec := &corev1.Container{StartupProbe: &corev1.Probe{}, ReadinessProbe: &corev1.Probe{}}
	target := Target{Pod: &corev1.Pod{}, Container: spec, ID: "id", WasStarted: true, WasReady: true}
	if got := m.Verdicts("pod", []Target{target})["id"]; got != (Verdict{Started: true, Ready: true}) {
		t.Errorf("the verdict is %+v", got)
	}
}

func TestNobodyIsAskedWithoutAnAddress(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler corev1.ProbeHandler
		asked   bool
	}{
		{"by HTTP", corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080)}}, false},
		{"by TCP", corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}, false},
		{"by gRPC", corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 8080}}, false},
		{"by HTTP at another host", corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "host", Port: intstr.FromInt32(8080)}}, true},
		{"by TCP at another host", corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "host", Port: intstr.FromInt32(8080)}}, true},
		{"by a command", corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := testingclock.NewFakeClock(time.Unix(1000, 0))
			prober := &answers{fails: map[Kind]bool{Liveness: true}, asked: make(chan Kind, 10)}
			m := New(Options{Prober: prober, Clock: clock, Changed: func(types.UID) {}})
			defer m.Stop()
			spec := &corev1.Container{Name: "main", LivenessProbe: &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 1, ProbeHandler: test.handler}}
			target := Target{Pod: &corev1.Pod{}, Container: spec, ID: "id", Started: clock.Now()}
			m.Sync("pod", []Target{target})
			for range 3 {
				waitTimer(t, clock)
				clock.Step(2 * time.Second)
			}
			waitTimer(t, clock)
			if asked := len(prober.asked) > 0; asked != test.asked {
				t.Errorf("asked: %t, want %t", asked, test.asked)
			}
			if failed := m.Verdicts("pod", []Target{target})["id"].Failed != ""; failed != test.asked {
				t.Errorf("the probe failed: %t", failed)
			}
		})
	}
}
