package cli

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// remembering is a loop that remembers one plan of one key, and knows what comes next.
type remembering struct{}

func (remembering) Name() string   { return "tides" }
func (remembering) Of() string     { return "Moon" }
func (remembering) Keys() []string { return []string{"default/moon"} }

func (remembering) Follow(f func(string, engine.Pass)) {
	f("default/moon", engine.Pass{At: time.Unix(9, 0).UTC(), Plan: "lower the sea: the moon has set\nlook again in 1h0m0s: it rises then", Error: "the tide is late"})
}

func (remembering) Preview(_ context.Context, key string) (string, error) {
	if key != "default/moon" {
		return "", errors.New("there is no such moon")
	}
	return "lower the sea: the moon has set", nil
}

func (remembering) Recent(key string) []engine.Pass {
	if key != "default/moon" {
		return nil
	}
	return []engine.Pass{{At: time.Unix(7, 0).UTC(), Plan: "raise the sea: the moon is above"}}
}

func TestALoopCanBeAskedForItsLastPlans(t *testing.T) {
	var parts inspectedParts
	parts.of("sea")(remembering{})
	for query, c := range map[string]struct {
		code int
		want string
	}{
		"loop=tides&key=default/moon":           {http.StatusOK, `"plans":[{"at":"1970-01-01T00:00:07Z","plan":"raise the sea: the moon is above"}]`},
		"loop=tides&key=default/sun":            {http.StatusOK, `"plans":[]`},
		"loop=tides&key=default/moon&next=true": {http.StatusOK, `"next":"lower the sea: the moon has set"`},
		"loop=tides&key=default/sun&next=true":  {http.StatusNotFound, `there is no such moon`},
		"loop=winds&key=default/moon":           {http.StatusNotFound, `there is no loop "winds": there are tides`},
	} {
		answer := httptest.NewRecorder()
		parts.handlers()[instance.PlansPath].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, instance.PlansPath+"?"+query, nil))
		if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.want) {
			t.Errorf("%s: got %d, %s; want %d, %s", query, answer.Code, answer.Body, c.code, c.want)
		}
	}
}

func TestAnInstanceTellsWhichLoopsItHas(t *testing.T) {
	var parts inspectedParts
	parts.of("sea")(remembering{})
	answer := httptest.NewRecorder()
	parts.handlers()[instance.LoopsPath].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, instance.LoopsPath, nil))
	if got, want := strings.TrimSpace(answer.Body.String()), `[{"name":"tides","of":"Moon","keys":["default/moon"]}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheJournalTellsWhatLoopsDid(t *testing.T) {
	var parts inspectedParts
	parts.of("sea")(remembering{}) // which has done something as soon as it is followed
	parts.decided(explain.Record{Namespace: "default", Name: "boat", When: time.Unix(10, 0).UTC(), Node: "pier", Evaluated: 3, AllNodes: 3, Feasible: 2})
	parts.decided(explain.Record{Namespace: "default", Name: "whale", Message: "0/3 nodes are available"})
	answer := httptest.NewRecorder()
	parts.handlers()[journal.Path].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, journal.Path, nil))
	want := `{"number":1,"at":"1970-01-01T00:00:09Z","loop":"tides","of":"Moon","key":"default/moon","plan":"lower the sea: the moon has set\nlook again in 1h0m0s: it rises then","error":"the tide is late"}
{"number":2,"at":"1970-01-01T00:00:10Z","loop":"scheduler","of":"Pod","key":"default/boat","plan":"bind to pier: the pod fits on 2 of 3 nodes"}`
	if got := strings.TrimSpace(answer.Body.String()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHistoryInProse(t *testing.T) {
	noon := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		deeds []deed
		want  string
	}{
		"nothing": {nil, "no loop remembers a plan about it: each keeps its last few since the instance was started\n"},
		"a plan that failed": {
			[]deed{{"deployment", instance.Plan{At: noon.Add(-90 * time.Second), Plan: "create ReplicaSet a: missing\nstatus", Error: "refused"}}},
			"1m30s ago, deployment:\n  create ReplicaSet a: missing\n  status\n  failed: refused\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := printHistory(&out, c.deeds, noon); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.want {
				t.Errorf("reads\n%s\nwant\n%s", out.String(), c.want)
			}
		})
	}
}

func TestTheProcessTellsWhatIsInControllerRuntimesRegistry(t *testing.T) {
	passes := prometheus.NewCounter(prometheus.CounterOpts{Name: "orrery_test_passes_total", Help: "Passes."})
	metrics.Registry.MustRegister(passes)
	defer metrics.Registry.Unregister(passes)
	passes.Add(7)

	answer := httptest.NewRecorder()
	inspected.handlers()["/metrics"].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"\norrery_test_passes_total 7\n", "\ngo_goroutines "} {
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%q is not in what is told", want)
		}
	}
}
