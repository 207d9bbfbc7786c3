package horizontalpodautoscaler

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/monitor"
)

// definition is what dashboards and alerts rely on.
type definition struct {
	Kind    dto.MetricType
	Help    string
	Labels  []string
	Buckets []float64
}

func TestMetricsAreThoseOfKubernetes(t *testing.T) {
	monitor.Register()
	theirs := monitor.New()
	theirs.ObserveReconciliationResult(monitor.ActionLabelNone, monitor.ErrorLabelNone, time.Second)
	theirs.ObserveMetricComputationResult(monitor.ActionLabelNone, monitor.ErrorLabelNone, time.Second, autoscalingv2.ResourceMetricSourceType)
	registry := prometheus.NewRegistry()
	registry.MustRegister(reconciliationsTotal, reconciliationDuration, computationsTotal, computationDuration)
	v := &verdict{hpa: percent(), computations: []computation{{kind: autoscalingv2.ResourceMetricSourceType}}}
	if err := (measure{v}).Do(t.Context(), atNow{}); err != nil {
		t.Fatal(err)
	}
	want := definitions(t, legacyregistry.DefaultGatherer)
	for name, ours := range definitions(t, registry) {
		if diff := cmp.Diff(want[name], ours); diff != "" {
			t.Errorf("%s differs (-Kubernetes +ours):\n%s", name, diff)
		}
	}
}

// definitions are those of the metrics that a gatherer has of this controller.
func definitions(t *testing.T, from prometheus.Gatherer) map[string]definition {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]definition{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), subsystem) {
			continue
		}
		d := definition{Kind: family.GetType(), Help: strings.TrimPrefix(family.GetHelp(), "[BETA] ")}
		for _, label := range family.GetMetric()[0].GetLabel() {
			d.Labels = append(d.Labels, label.GetName())
		}
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			d.Buckets = append(d.Buckets, bucket.GetUpperBound())
		}
		found[family.GetName()] = d
	}
	return found
}

// atNow is what a step that only measures acts with.
type atNow struct{ plan.Actor }

func (atNow) Now() time.Time { return time.Unix(1, 0) }

func TestWhatIsCountedOfALook(t *testing.T) {
	refused := errors.New("no")
	for _, tt := range []struct {
		name   string
		v      *verdict
		failed error
		// look is what the look is counted as, and metric its only metric, if it got that far.
		look, metric string
	}{
		{"a target is scaled up", &verdict{current: 2, desired: 4, computations: []computation{{kind: "Resource", replicas: 4}}}, nil, "scale_up none", "scale_up none Resource"},
		{"a target is scaled down", &verdict{current: 2, desired: 1, computations: []computation{{kind: "Pods", replicas: -1}}}, nil, "scale_down none", "scale_down none Pods"},
		{"a target is as it shall be", &verdict{current: 2, desired: 2}, nil, "none none", ""},
		{"a target cannot be scaled", &verdict{current: 2, desired: 4}, refused, "none internal", ""},
		{"a metric cannot be read", &verdict{failed: true, wrong: refused, computations: []computation{{kind: "External", err: refused}}}, nil, "none internal", "none internal External"},
		{"a target has no version that can be", &verdict{world: world{unscaled: mistake{refused}}, wrong: mistake{refused}}, nil, "none spec", ""},
		{
			"a metric is of no type that there is",
			&verdict{failed: true, wrong: fmt.Errorf("invalid: %w", mistake{refused}), computations: []computation{{kind: "Moon", err: mistake{refused}}}},
			nil, "none spec", "none spec Moon",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.v.hpa = percent()
			looks, metrics := reconciliationsTotal.WithLabelValues(strings.Fields(tt.look)...), computationsTotal.WithLabelValues("", "", "")
			if tt.metric != "" {
				metrics = computationsTotal.WithLabelValues(strings.Fields(tt.metric)...)
			}
			before, metricsBefore := testutil.ToFloat64(looks), testutil.ToFloat64(metrics)
			if err := (measure{tt.v}).Report(t.Context(), atNow{}, tt.failed); err != nil {
				t.Fatal(err)
			}
			if more := testutil.ToFloat64(looks) - before; more != 1 {
				t.Errorf("it is counted %v times as %q", more, tt.look)
			}
			if more := testutil.ToFloat64(metrics) - metricsBefore; more != float64(len(tt.v.computations)) {
				t.Errorf("its metric is counted %v times as %q", more, tt.metric)
			}
		})
	}
}
