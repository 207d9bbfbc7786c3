package framework_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// scripted is a plugin of every extension point that does what its fields say, and notes in calls that it was asked.
type scripted struct {
	name  string
	calls *[]string

	preFilter, filter, postFilter, preScore, score, normalize, reserve, permit, preFlight, preBind, bind *fwk.Status
	nodes                                                                                                sets.Set[string]
	points                                                                                               int64
	panics                                                                                               string
}

func (s *scripted) asked(point string) {
	*s.calls = append(*s.calls, s.name+" "+point)
	if s.panics == point {
		panic("out of ideas")
	}
}

func (s *scripted) Name() string { return s.name }

func (s *scripted) Less(fwk.QueuedEntityInfo, fwk.QueuedEntityInfo) bool { return false }

func (s *scripted) PreFilter(context.Context, fwk.CycleState, *corev1.Pod, []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	s.asked("PreFilter")
	return &fwk.PreFilterResult{NodeNames: s.nodes}, status(s.preFilter)
}

// status copies a status, because the runtime writes the plugin's name into it.
func status(s *fwk.Status) *fwk.Status {
	if s == nil {
		return nil
	}
	return s.Clone()
}

func (s *scripted) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

func (s *scripted) Filter(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeInfo) *fwk.Status {
	s.asked("Filter")
	return status(s.filter)
}

func (s *scripted) PostFilter(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeToStatusReader) (*fwk.PostFilterResult, *fwk.Status) {
	s.asked("PostFilter")
	return nil, status(s.postFilter)
}

func (s *scripted) PreScore(context.Context, fwk.CycleState, *corev1.Pod, []fwk.NodeInfo) *fwk.Status {
	s.asked("PreScore")
	return status(s.preScore)
}

func (s *scripted) Score(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeInfo) (int64, *fwk.Status) {
	s.asked("Score")
	return s.points, status(s.score)
}

func (s *scripted) ScoreExtensions() fwk.ScoreExtensions { return s }

func (s *scripted) NormalizeScore(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeScoreList) *fwk.Status {
	s.asked("NormalizeScore")
	return status(s.normalize)
}

func (s *scripted) Reserve(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	s.asked("Reserve")
	return status(s.reserve)
}

func (s *scripted) Unreserve(context.Context, fwk.CycleState, *corev1.Pod, string) {
	s.asked("Unreserve")
}

func (s *scripted) Permit(context.Context, fwk.CycleState, *corev1.Pod, string) (*fwk.Status, time.Duration) {
	s.asked("Permit")
	return status(s.permit), time.Minute
}

func (s *scripted) PreBindPreFlight(context.Context, fwk.CycleState, *corev1.Pod, string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	s.asked("PreBindPreFlight")
	return nil, status(s.preFlight)
}

func (s *scripted) PreBind(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	s.asked("PreBind")
	return status(s.preBind)
}

func (s *scripted) Bind(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	s.asked("Bind")
	return status(s.bind)
}

func (s *scripted) PostBind(context.Context, fwk.CycleState, *corev1.Pod, string) {
	s.asked("PostBind")
}

// fixture is a framework with two scripted plugins, A before B.
type fixture struct {
	*framework.Framework
	a, b  *scripted
	calls []string
	clock *testingclock.FakeClock
	state *framework.CycleState
	node  fwk.NodeInfo
	pod   *corev1.Pod
}

func newFixture(t *testing.T, script func(a, b *scripted)) *fixture {
	t.Helper()
	f := &fixture{clock: testingclock.NewFakeClock(time.Now()), state: framework.NewCycleState(true)}
	f.a, f.b = &scripted{name: "A", calls: &f.calls}, &scripted{name: "B", calls: &f.calls}
	if script != nil {
		script(f.a, f.b)
	}
	registry := framework.Registry{}
	for _, plugin := range []*scripted{f.a, f.b} {
		err := registry.Register(plugin.name, func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return plugin, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	c, snapshot := cache.New(0), &cache.Snapshot{}
	c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}})
	c.Update(snapshot)
	f.node, f.pod = snapshot.Nodes()[0], &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web"}}
	built, err := framework.New(t.Context(), registry, framework.Profile{SchedulerName: "test", Plugins: &configv1.Plugins{
		MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: "A", Weight: ptr.To[int32](2)}, {Name: "B", Weight: ptr.To[int32](3)}}},
		QueueSort:  configv1.PluginSet{Disabled: []configv1.Plugin{{Name: "B"}}},
	}}, framework.Environment{Snapshot: snapshot, Clock: f.clock, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	f.Framework = built
	return f
}

func refusal(code fwk.Code) *fwk.Status { return fwk.NewStatus(code, "because") }

// TestStatuses holds what each status means at each point: which plugins are asked, and what comes out.
func TestStatuses(t *testing.T) {
	ctx := t.Context()
	preFilter := func(f *fixture) *fwk.Status { _, s, _ := f.RunPreFilterPlugins(ctx, f.state, f.pod); return s }
	filter := func(f *fixture) *fwk.Status { return f.RunFilterPluginsWithNominatedPods(ctx, f.state, f.pod, f.node) }
	postFilter := func(f *fixture) *fwk.Status {
		_, s := f.RunPostFilterPlugins(ctx, f.state, f.pod, framework.NewNodeStatuses())
		return s
	}
	score := func(f *fixture) *fwk.Status {
		if s := f.RunPreScorePlugins(ctx, f.state, f.pod, []fwk.NodeInfo{f.node}); !s.IsSuccess() {
			return s
		}
		_, s := f.RunScorePlugins(ctx, f.state, f.pod, []fwk.NodeInfo{f.node})
		return s
	}
	reserve := func(f *fixture) *fwk.Status { return f.RunReservePluginsReserve(ctx, f.state, f.pod, "node-1") }
	permit := func(f *fixture) *fwk.Status { return f.RunPermitPlugins(ctx, f.state, f.pod, "node-1") }
	preBind := func(f *fixture) *fwk.Status {
		if s := f.RunPreBindPreFlights(ctx, f.state, f.pod, "node-1"); !s.IsSuccess() {
			return s
		}
		return f.RunPreBindPlugins(ctx, f.state, f.pod, "node-1")
	}
	bind := func(f *fixture) *fwk.Status { return f.RunBindPlugins(ctx, f.state, f.pod, "node-1") }

	for _, test := range []struct {
		name    string
		script  func(a, b *scripted)
		run     func(*fixture) *fwk.Status
		code    fwk.Code
		plugin  string
		message string
		calls   string
	}{
		{"PreFilter asks all", nil, preFilter, fwk.Success, "", "", "A PreFilter, B PreFilter"},
		{"PreFilter goes on after Unschedulable, for preemption", func(a, b *scripted) { a.preFilter = refusal(fwk.Unschedulable) },
			preFilter, fwk.Unschedulable, "A", "because", "A PreFilter, B PreFilter"},
		{"PreFilter ends at UnschedulableAndUnresolvable", func(a, b *scripted) { a.preFilter = refusal(fwk.UnschedulableAndUnresolvable) },
			preFilter, fwk.UnschedulableAndUnresolvable, "A", "because", "A PreFilter"},
		{"PreFilter ends at an error", func(a, b *scripted) { a.preFilter = refusal(fwk.Error) },
			preFilter, fwk.Error, "A", `running PreFilter plugin "A": because`, "A PreFilter"},
		{"PreFilter ends when no node is left", func(a, b *scripted) { a.nodes, b.nodes = sets.New("x"), sets.New("y") },
			preFilter, fwk.UnschedulableAndUnresolvable, "", "node(s) didn't satisfy plugin(s) [A B] simultaneously", "A PreFilter, B PreFilter"},
		{"PreFilter says which plugin left no node", func(a, b *scripted) { a.nodes = sets.New[string]() },
			preFilter, fwk.UnschedulableAndUnresolvable, "", "node(s) didn't satisfy plugin A", "A PreFilter"},
		{"Filter is not asked where PreFilter skipped", func(a, b *scripted) { a.preFilter = refusal(fwk.Skip) },
			func(f *fixture) *fwk.Status { preFilter(f); return filter(f) }, fwk.Success, "", "", "A PreFilter, B PreFilter, B Filter"},
		{"Filter ends at the first that refuses", func(a, b *scripted) { a.filter = refusal(fwk.Unschedulable) },
			filter, fwk.Unschedulable, "A", "because", "A Filter"},
		{"Filter takes any other status for an error", func(a, b *scripted) { a.filter = refusal(fwk.Error) },
			filter, fwk.Error, "A", `running "A" filter plugin: because`, "A Filter"},
		{"Filter survives a panic", func(a, b *scripted) { a.panics = "Filter" },
			filter, fwk.Error, "A", `running "A" filter plugin: plugin "A" panicked in Filter: out of ideas`, "A Filter"},
		{"PostFilter ends at the first that helps", nil, postFilter, fwk.Success, "", "", "A PostFilter"},
		{"PostFilter asks all that cannot help", func(a, b *scripted) {
			a.postFilter, b.postFilter = refusal(fwk.Unschedulable), refusal(fwk.Unschedulable)
		},
			postFilter, fwk.Unschedulable, "A", "because, because", "A PostFilter, B PostFilter"},
		{"PostFilter ends when nobody can help", func(a, b *scripted) { a.postFilter = refusal(fwk.UnschedulableAndUnresolvable) },
			postFilter, fwk.UnschedulableAndUnresolvable, "A", "because", "A PostFilter"},
		{"Score is not asked where PreScore skipped", func(a, b *scripted) { a.preScore = refusal(fwk.Skip) },
			score, fwk.Success, "", "", "A PreScore, B PreScore, B Score, B NormalizeScore"},
		{"PreScore takes a refusal for an error", func(a, b *scripted) { a.preScore = refusal(fwk.Unschedulable) },
			score, fwk.Error, "", `running PreScore plugin "A": because`, "A PreScore"},
		{"Score ends at an error", func(a, b *scripted) { a.score = refusal(fwk.Error) },
			score, fwk.Error, "", `running Score plugins: plugin "A" failed with: because`, "A PreScore, B PreScore, A Score"},
		{"Score takes a score out of range for an error", func(a, b *scripted) { b.points = 101 },
			score, fwk.Error, "", `applying score defaultWeights on Score plugins: plugin "B" returns an invalid score 101, it should in the range of [0, 100] after normalizing`,
			"A PreScore, B PreScore, A Score, B Score, A NormalizeScore, B NormalizeScore"},
		{"Reserve ends at the first that cannot", func(a, b *scripted) { a.reserve = refusal(fwk.Unschedulable) },
			reserve, fwk.Unschedulable, "A", "because", "A Reserve"},
		{"Reserve survives a panic", func(a, b *scripted) { b.panics = "Reserve" },
			reserve, fwk.Error, "", `running Reserve plugin "B": plugin "B" panicked in Reserve: out of ideas`, "A Reserve, B Reserve"},
		{"Permit asks all although one wants to wait", func(a, b *scripted) { a.permit = fwk.NewStatus(fwk.Wait) },
			permit, fwk.Wait, "", "one or more plugins asked to wait and no plugin rejected pod", "A Permit, B Permit"},
		{"Permit ends at the first that refuses", func(a, b *scripted) { a.permit, b.permit = fwk.NewStatus(fwk.Wait), refusal(fwk.Unschedulable) },
			permit, fwk.Unschedulable, "B", "because", "A Permit, B Permit"},
		{"PreBind is not asked where there is nothing to do", func(a, b *scripted) { a.preFlight = refusal(fwk.Skip) },
			preBind, fwk.Success, "", "", "A PreBindPreFlight, B PreBindPreFlight, B PreBind"},
		{"PreBind cannot be refused before it began", func(a, b *scripted) { a.preFlight = refusal(fwk.Unschedulable) },
			preBind, fwk.Error, "", `PreBindPreFlight A returned "Unschedulable", which is unsupported. It is supposed to return Success, Skip, or Error status`, "A PreBindPreFlight"},
		{"PreBind ends at an error", func(a, b *scripted) { a.preBind = refusal(fwk.Error) },
			preBind, fwk.Error, "", `running PreBind plugin "A": because`, "A PreBindPreFlight, B PreBindPreFlight, A PreBind"},
		{"Bind ends at the first that binds", nil, bind, fwk.Success, "", "", "A Bind"},
		{"Bind goes on where one skips", func(a, b *scripted) { a.bind = refusal(fwk.Skip) }, bind, fwk.Success, "", "", "A Bind, B Bind"},
		{"Bind says that all skipped", func(a, b *scripted) { a.bind, b.bind = refusal(fwk.Skip), refusal(fwk.Skip) },
			bind, fwk.Skip, "", "because", "A Bind, B Bind"},
		{"Bind ends at an error", func(a, b *scripted) { a.bind = refusal(fwk.Error) }, bind, fwk.Error, "", `running Bind plugin "A": because`, "A Bind"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, test.script)
			got := test.run(f)
			plugin := ""
			if got != nil {
				plugin = got.Plugin()
			}
			if got.Code() != test.code || plugin != test.plugin || got.Message() != test.message {
				t.Errorf("got %s %q by %q, want %s %q by %q", got.Code(), got.Message(), plugin, test.code, test.message, test.plugin)
			}
			if calls := strings.Join(f.calls, ", "); calls != test.calls {
				t.Errorf("asked were %s; want %s", calls, test.calls)
			}
		})
	}
}

func TestScoresAreWeighted(t *testing.T) {
	f := newFixture(t, func(a, b *scripted) { a.points, b.points = 10, 100 })
	scores, status := f.RunScorePlugins(t.Context(), f.state, f.pod, []fwk.NodeInfo{f.node})
	if !status.IsSuccess() || scores[0].TotalScore != 2*10+3*100 {
		t.Errorf("scores are %+v (%v), want a total of 320", scores, status)
	}
}

func TestUnreserveRunsBackwardsAndSurvivesAPanic(t *testing.T) {
	f := newFixture(t, func(_, b *scripted) { b.panics = "Unreserve" })
	f.RunReservePluginsUnreserve(t.Context(), f.state, f.pod, "node-1")
	if want := []string{"B Unreserve", "A Unreserve"}; !slices.Equal(f.calls, want) {
		t.Errorf("asked were %v, want %v", f.calls, want)
	}
}

func TestWaitOnPermit(t *testing.T) {
	waits := func(a, b *scripted) { a.permit, b.permit = fwk.NewStatus(fwk.Wait), fwk.NewStatus(fwk.Wait) }
	for _, test := range []struct {
		name    string
		decide  func(f *fixture, cancel func())
		code    fwk.Code
		message string
	}{
		{"ends when all allow", func(f *fixture, _ func()) {
			f.GetWaitingPod("web").Allow("A")
			f.GetWaitingPod("web").Allow("B")
		}, fwk.Success, ""},
		{"ends when one rejects", func(f *fixture, _ func()) {
			f.GetWaitingPod("web").Allow("A")
			f.GetWaitingPod("web").Reject("B", "changed my mind")
		}, fwk.Unschedulable, "changed my mind"},
		{"ends with an error when the pod is preempted", func(f *fixture, _ func()) { f.GetWaitingPod("web").Preempt("A", "for another") },
			fwk.Error, "waiting on permit for pod: for another"},
		{"ends when the time is over", func(f *fixture, _ func()) { f.clock.Step(time.Minute) },
			fwk.Unschedulable, "rejected due to timeout after waiting 1m0s at plugin"},
		{"ends with the scheduler", func(_ *fixture, cancel func()) { cancel() }, fwk.Error, "waiting on permit for pod: context canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, waits)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f.RunPermitPlugins(ctx, f.state, f.pod, "node-1")
			test.decide(f, cancel)
			got := f.WaitOnPermit(ctx, f.pod)
			if got.Code() != test.code || !strings.HasPrefix(got.Message(), test.message) {
				t.Errorf("got %s %q, want %s %q", got.Code(), got.Message(), test.code, test.message)
			}
			if f.GetWaitingPod("web") != nil {
				t.Error("the pod still waits")
			}
		})
	}
}

func TestUnsupportedPartsSaySo(t *testing.T) {
	f := newFixture(t, nil)
	_, claims := f.SharedDRAManager().ResourceClaims().List()
	_, limits := f.SharedCSIManager().CSINodes().List()
	_, groups := f.PodGroupManager().PodGroups().Get("default", "gang")
	for what, err := range map[string]error{"claims": claims, "limits": limits, "groups": groups} {
		if !errors.Is(err, framework.ErrUnsupported) {
			t.Errorf("%s: got %v, want %v", what, err, framework.ErrUnsupported)
		}
	}
}

func TestFitError(t *testing.T) {
	for _, test := range []struct {
		name     string
		diagnose func(d *framework.Diagnosis)
		want     string
	}{
		{"counts reasons", func(d *framework.Diagnosis) {
			d.Nodes.Set("a", fwk.NewStatus(fwk.Unschedulable, "Insufficient cpu", "Insufficient memory"))
			d.Nodes.Set("b", fwk.NewStatus(fwk.Unschedulable, "Insufficient cpu"))
			d.Nodes.Set("c", fwk.NewStatus(fwk.Unschedulable, "node(s) had untolerated taint(s)"))
		}, "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu."},
		{"counts absent nodes", func(d *framework.Diagnosis) {
			d.Nodes.Set("a", fwk.NewStatus(fwk.Unschedulable, "Insufficient cpu"))
			d.Nodes.SetAbsent(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't satisfy plugin(s) [NodeAffinity]"))
		}, "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."},
		{"says once what PreFilter says of all", func(d *framework.Diagnosis) {
			d.Nodes.SetAbsent(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "pod affinity terms conflict"))
			d.PreFilterMessage = "pod affinity terms conflict"
		}, "0/3 nodes are available: pod affinity terms conflict."},
		{"ends with what PostFilter says", func(d *framework.Diagnosis) {
			d.Nodes.Set("a", fwk.NewStatus(fwk.Unschedulable, "Insufficient cpu"))
			d.PostFilterMessage = "preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
		}, "0/3 nodes are available: 1 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."},
	} {
		t.Run(test.name, func(t *testing.T) {
			diagnosis := framework.NewDiagnosis()
			test.diagnose(diagnosis)
			err := &framework.FitError{NodeCount: 3, Diagnosis: diagnosis}
			if err.Error() != test.want {
				t.Errorf("got  %q\nwant %q", err, test.want)
			}
		})
	}
}
