package loop_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// named gives the stage's loop a name that no other loop of the process has, and so metrics of its own.
func (s *stage) named(word string) string {
	name := uniqueName(word)
	s.loop = loop.New(name, s)
	s.reconciler = s.loop.Reconciler(loop.Cluster{
		Client: s.cache.ClientOf(name), Live: s.Client(name), Clock: s.Clock(), SideBySide: 1,
	})
	return name
}

// compareMetrics holds what the registry of the process says of a loop against what is wanted, where the loop is LOOP.
func compareMetrics(loop, want string, metrics ...string) error {
	return testutil.GatherAndCompare(metricsOf(loop), strings.NewReader(strings.ReplaceAll(want, "LOOP", loop)), metrics...)
}

// metricsOf are the metrics in the registry of the process that are about one loop.
func metricsOf(loop string) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := metrics.Registry.Gather()
		for _, family := range families {
			var about []*dto.Metric
			for _, metric := range family.Metric {
				for _, label := range metric.Label {
					if label.GetName() == "loop" && label.GetValue() == loop {
						about = append(about, metric)
					}
				}
			}
			family.Metric = about
		}
		return families, err
	})
}

func TestPassesAreCountedByTheirOutcome(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, key.Name, errors.New("changed"))
	terminating := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, key.Name, errors.New("the namespace goes"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	s := newStage(t)
	name := s.named("counted")
	for _, observed := range []error{
		nil, nil, conflict, plan.Wait(time.Minute, errors.New("early")), plan.Stop(errors.New("senseless")),
		apierrors.NewTooManyRequests("slowly", 7), terminating, errors.New("broken"),
	} {
		s.observe = func(context.Context, loop.View, *corev1.Pod) error { return observed }
		_, _ = s.pass(t) // the outcome is what is counted
	}
	s.observe = func(ctx context.Context, read loop.View, _ *corev1.Pod) error {
		return read.List(ctx, &corev1.ConfigMapList{})
	}
	s.plan = func(p *plan.Plan, _ *corev1.Pod) { p.Create("missing", aConfigMap("new")) }
	s.mustPass(t)
	s.mustPass(t) // the cache does not show it yet
	const want = `
# HELP orrery_loop_passes_total Passes of a loop, by how they ended: success, gone, wait, stop, retry, error, or, in Kubernetes' world, behind (the cache lacks own writes), conflict, throttled or namespace_terminating.
# TYPE orrery_loop_passes_total counter
orrery_loop_passes_total{loop="LOOP",outcome="behind"} 1
orrery_loop_passes_total{loop="LOOP",outcome="conflict"} 1
orrery_loop_passes_total{loop="LOOP",outcome="error"} 1
orrery_loop_passes_total{loop="LOOP",outcome="namespace_terminating"} 1
orrery_loop_passes_total{loop="LOOP",outcome="stop"} 1
orrery_loop_passes_total{loop="LOOP",outcome="success"} 3
orrery_loop_passes_total{loop="LOOP",outcome="throttled"} 1
orrery_loop_passes_total{loop="LOOP",outcome="wait"} 1
`
	if err := compareMetrics(name, want, "orrery_loop_passes_total"); err != nil {
		t.Error(err)
	}
}

func TestStepsAreCountedByVerbAndResultAndPlansByTheirSize(t *testing.T) {
	s := newStage(t)
	name := s.named("measured")
	s.refuses("delete", quotaUsedUp())
	s.Put(aConfigMap("old"))
	s.plansOnce(func(p *plan.Plan, pod *corev1.Pod) {
		p.Create("missing", aConfigMap("a"), aConfigMap("b")) // one step
		p.Delete("surplus", aConfigMap("old"))
		p.Event(pod, plan.Normal, "Never", "the step before it fails")
		p.Status(pod, withPhase(pod, corev1.PodRunning))
	})
	if _, err := s.pass(t); err == nil {
		t.Fatal("the pass succeeds although its deletion was refused")
	}
	s.passWithCache(t)
	const want = `
# HELP orrery_loop_plan_steps Steps in a plan; 0 where there was nothing to do.
# TYPE orrery_loop_plan_steps histogram
orrery_loop_plan_steps_bucket{loop="LOOP",le="0"} 1
orrery_loop_plan_steps_bucket{loop="LOOP",le="1"} 1
orrery_loop_plan_steps_bucket{loop="LOOP",le="2"} 1
orrery_loop_plan_steps_bucket{loop="LOOP",le="4"} 2
orrery_loop_plan_steps_bucket{loop="LOOP",le="8"} 2
orrery_loop_plan_steps_bucket{loop="LOOP",le="16"} 2
orrery_loop_plan_steps_bucket{loop="LOOP",le="64"} 2
orrery_loop_plan_steps_bucket{loop="LOOP",le="256"} 2
orrery_loop_plan_steps_bucket{loop="LOOP",le="+Inf"} 2
orrery_loop_plan_steps_sum{loop="LOOP"} 4
orrery_loop_plan_steps_count{loop="LOOP"} 2
# HELP orrery_loop_steps_total Steps that a loop took, by verb and by whether they succeeded.
# TYPE orrery_loop_steps_total counter
orrery_loop_steps_total{loop="LOOP",result="error",verb="delete"} 1
orrery_loop_steps_total{loop="LOOP",result="success",verb="create"} 1
orrery_loop_steps_total{loop="LOOP",result="success",verb="status"} 1
`
	if err := compareMetrics(name, want, "orrery_loop_steps_total", "orrery_loop_plan_steps"); err != nil {
		t.Error(err)
	}
}

// recordSpans makes the process record its spans. A tracer takes the first provider that the process sets, and no other.
var recordSpans = sync.OnceValue(func() *tracetest.SpanRecorder {
	spans := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	return spans
})

func TestAPassIsASpanWithItsObservationPlanAndStepsBelowIt(t *testing.T) {
	spans := recordSpans()
	spans.Reset()
	s := newStage(t)
	name := s.named("traced")
	s.refuses("create", quotaUsedUp())
	s.plan = func(p *plan.Plan, pod *corev1.Pod) {
		p.Patch("mine", pod, withLabel(pod))
		p.Create("2 wanted, 0 there", aConfigMap("a"))
		p.Event(pod, plan.Normal, "Never", "the step before it fails")
		p.Status(pod, withPhase(pod, corev1.PodRunning))
	}
	if _, err := s.pass(t); err == nil {
		t.Fatal("the pass succeeds although its create was refused")
	}
	want := []string{
		"pass > observe: Unset",
		"pass > plan: Unset",
		`pass > patch: Unset, patch Pod default/web {"metadata":{"labels":{"tier":"web"}}}: mine`,
		"pass > create: Error, create ConfigMap default/a: 2 wanted, 0 there",
		`pass > status: Unset, status Pod default/web {"status":{"phase":"Running"}}: `,
		"pass: Error, error",
	}
	if diff := cmp.Diff(want, told(spans.Ended())); diff != "" {
		t.Errorf("spans differ, in the order in which they ended (-want +got):\n%s", diff)
	}
	pass := spans.Ended()[len(want)-1]
	if got := attributes(pass); got["loop"] != name || got["namespace"] != key.Namespace || got["name"] != key.Name {
		t.Errorf("the pass says of itself %v, want its loop and its object", got)
	}
	if description := pass.Status().Description; !strings.Contains(description, "the quota is used up") {
		t.Errorf("the pass ends with %q, want what went wrong", description)
	}
}

// told are spans, each as "parent > name: status", with the outcome of a pass, or the words of a step.
func told(spans []sdktrace.ReadOnlySpan) []string {
	names := map[string]string{}
	for _, span := range spans {
		names[span.SpanContext().SpanID().String()] = span.Name() + " > "
	}
	var all []string
	for _, span := range spans {
		line := fmt.Sprintf("%s%s: %s", names[span.Parent().SpanID().String()], span.Name(), span.Status().Code)
		says := attributes(span)
		if outcome, ok := says["outcome"]; ok {
			line += ", " + outcome
		}
		if step, ok := says["step"]; ok {
			line += ", " + step + ": " + says["why"]
		}
		all = append(all, line)
	}
	return all
}

func attributes(span sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, attribute := range span.Attributes() {
		all[string(attribute.Key)] = attribute.Value.AsString()
	}
	return all
}
