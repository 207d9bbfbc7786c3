package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// remembering is a loop that remembers one plan of one key.
type remembering struct{ engine.Inspector }

func (remembering) Name() string { return "tides" }

func (remembering) Recent(key string) []engine.Pass {
	if key != "default/moon" {
		return nil
	}
	return []engine.Pass{{At: time.Unix(7, 0).UTC(), Plan: "raise the sea: the moon is above"}}
}

func TestALoopCanBeAskedForItsLastPlans(t *testing.T) {
	var parts inspectedParts
	parts.loop(remembering{})
	for query, c := range map[string]struct {
		code int
		want string
	}{
		"loop=tides&key=default/moon": {http.StatusOK, `"plans":[{"at":"1970-01-01T00:00:07Z","plan":"raise the sea: the moon is above"}]`},
		"loop=tides&key=default/sun":  {http.StatusOK, `"plans":[]`},
		"loop=winds&key=default/moon": {http.StatusNotFound, `there is no loop "winds": there are tides`},
	} {
		answer := httptest.NewRecorder()
		parts.handlers()[instance.PlansPath].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, instance.PlansPath+"?"+query, nil))
		if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.want) {
			t.Errorf("%s: got %d, %s; want %d, %s", query, answer.Code, answer.Body, c.code, c.want)
		}
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
