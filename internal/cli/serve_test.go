package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

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
