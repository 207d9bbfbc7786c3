package metrics

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// definition is what dashboards and alerts rely on.
type definition struct {
	Type    string
	Help    string
	Labels  []string
	Buckets []float64
}

// leftOut are metrics of kube-scheduler that would mean nothing here, and why.
var leftOut = map[string]string{
	"scheduler_async_api_call_execution_total":            "calls are made where they are needed, as in kube-scheduler by default",
	"scheduler_async_api_call_execution_duration_seconds": "calls are made where they are needed, as in kube-scheduler by default",
	"scheduler_pending_async_api_calls":                   "calls are made where they are needed, as in kube-scheduler by default",
	"scheduler_batch_attempts_total":                      "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_batch_cache_flushed_total":                 "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_batch_rescore_attempts_total":              "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_batch_rescore_duration_seconds":            "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_get_node_hint_duration_seconds":            "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_store_schedule_results_duration_seconds":   "batching of equal pods is kube-scheduler's own mechanism",
	"scheduler_pre_queueing_hint_evaluations_total":       "there are no hints before hints, as in kube-scheduler by default",
	"scheduler_volume_binder_cache_requests_total":        "kube-scheduler declares it and counts nothing in it",
}

// ours are metrics that kube-scheduler does not have.
var ours = []string{"scheduler_plugin_panics_total"}

func TestMetricsAreThoseOfKubeScheduler(t *testing.T) {
	theirs := map[string]definition{}
	for _, source := range []string{
		"k8s.io/kubernetes/pkg/scheduler/metrics",
		"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding/metrics",
		"k8s.io/dynamic-resource-allocation/resourceclaim/metrics",
	} {
		maps.Copy(theirs, readDefinitions(t, source))
	}
	if len(theirs) < 40 {
		t.Fatalf("only %d metrics were found in kube-scheduler's source", len(theirs))
	}
	mine := map[string]definition{}
	for _, collector := range all {
		name, definition := define(t, collector)
		mine[name] = definition
	}
	for name, definition := range mine {
		want, known := theirs[name]
		switch {
		case !known && !slices.Contains(ours, name):
			t.Errorf("%s is not a metric of kube-scheduler, nor in the list of our own", name)
		case known && leftOut[name] != "":
			t.Errorf("%s is said to be left out, and is here", name)
		case known:
			if difference := cmp.Diff(want, definition); difference != "" {
				t.Errorf("%s differs (-kube-scheduler +ours):\n%s", name, difference)
			}
		}
	}
	for name := range theirs {
		if _, here := mine[name]; !here && leftOut[name] == "" {
			t.Errorf("kube-scheduler's %s is missing, and no reason is given", name)
		}
	}
	for _, name := range ours {
		if _, here := mine[name]; !here {
			t.Errorf("%s is said to be our own, and is not here", name)
		}
	}
	for name := range leftOut {
		if _, known := theirs[name]; !known {
			t.Errorf("%s is said to be left out, but kube-scheduler does not have it", name)
		}
	}
}

// define looks at what a collector exports for a series with labels of any value.
func define(t *testing.T, collector prometheus.Collector) (string, definition) {
	t.Helper()
	descriptions := make(chan *prometheus.Desc, 1)
	collector.Describe(descriptions)
	parts := regexp.MustCompile(`fqName: "([^"]*)", help: ("(?:[^"\\]|\\.)*").*variableLabels: \{([^}]*)\}`).FindStringSubmatch((<-descriptions).String())
	help, err := strconv.Unquote(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	result := definition{Help: help}
	if parts[3] != "" {
		result.Labels = strings.Split(parts[3], ",")
	}
	values := make([]string, len(result.Labels))
	for i := range values {
		values[i] = "test"
	}
	switch vector := collector.(type) {
	case *prometheus.CounterVec:
		result.Type = "Counter"
	case *prometheus.GaugeVec:
		result.Type = "Gauge"
	case *prometheus.HistogramVec:
		result.Type = "Histogram"
		var written dto.Metric
		if err := vector.WithLabelValues(values...).(prometheus.Metric).Write(&written); err != nil {
			t.Fatal(err)
		}
		vector.DeleteLabelValues(values...)
		for _, bucket := range written.GetHistogram().GetBucket() {
			result.Buckets = append(result.Buckets, bucket.GetUpperBound())
		}
	default:
		t.Fatalf("%s is a %T", parts[1], collector)
	}
	return parts[1], result
}

// readDefinitions finds the metrics that a package of kube-scheduler declares. Most are private to it, and exported only
// once they were used.
func readDefinitions(t *testing.T, path string) map[string]definition {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-find", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	definitions := map[string]definition{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				if name, definition, ok := readDefinition(t, call); ok {
					definitions[name] = definition
				}
			}
			return true
		})
	}
	return definitions
}

// readDefinition reads calls such as metrics.NewHistogramVec(&metrics.HistogramOpts{...}, []string{...}).
func readDefinition(t *testing.T, call *ast.CallExpr) (string, definition, bool) {
	t.Helper()
	constructor, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !regexp.MustCompile(`^New(Counter|Gauge|Histogram)(Vec)?$`).MatchString(constructor.Sel.Name) {
		return "", definition{}, false
	}
	result := definition{Type: strings.TrimSuffix(strings.TrimPrefix(constructor.Sel.Name, "New"), "Vec")}
	var system, name string
	for _, element := range call.Args[0].(*ast.UnaryExpr).X.(*ast.CompositeLit).Elts {
		field := element.(*ast.KeyValueExpr)
		switch field.Key.(*ast.Ident).Name {
		case "Subsystem":
			system = map[string]string{
				"SchedulerSubsystem": "scheduler", "VolumeSchedulerSubsystem": "scheduler_volume", "subsystem": "dynamic_resource_allocation",
			}[fmt.Sprint(field.Value)]
		case "Help":
			result.Help = literal(t, field.Value)
		case "Name":
			name = literal(t, field.Value)
		case "Buckets":
			result.Buckets = exponential(t, field.Value.(*ast.CallExpr))
		}
	}
	if len(call.Args) > 1 {
		for _, label := range call.Args[1].(*ast.CompositeLit).Elts {
			result.Labels = append(result.Labels, literal(t, label))
		}
	}
	if system == "" {
		t.Fatalf("%s has a subsystem that this test does not know", name)
	}
	return system + "_" + name, result, true
}

func literal(t *testing.T, expression ast.Expr) string {
	t.Helper()
	text, err := strconv.Unquote(expression.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func exponential(t *testing.T, call *ast.CallExpr) []float64 {
	t.Helper()
	var arguments []float64
	for _, argument := range call.Args {
		number, err := strconv.ParseFloat(argument.(*ast.BasicLit).Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, number)
	}
	return prometheus.ExponentialBuckets(arguments[0], arguments[1], int(arguments[2]))
}
