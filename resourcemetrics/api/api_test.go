package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/metrics/pkg/apis/metrics"

	"github.com/orrery-dev/orrery/resourcemetrics"
)

// cluster is one whose objects are listed here, and of which some are measured.
type cluster struct {
	nodes, pods []metav1.ObjectMeta
	measured    map[types.NamespacedName]resourcemetrics.Usage
}

func find(all []metav1.ObjectMeta, kind string, name types.NamespacedName) (*metav1.ObjectMeta, error) {
	for i := range all {
		if all[i].Namespace == name.Namespace && all[i].Name == name.Name {
			return &all[i], nil
		}
	}
	return nil, apierrors.NewNotFound(corev1.Resource(kind), name.Name)
}

func selected(all []metav1.ObjectMeta, namespace string, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	return slices.DeleteFunc(slices.Clone(all), func(o metav1.ObjectMeta) bool {
		return namespace != "" && o.Namespace != namespace || !selector.Matches(labels.Set(o.Labels))
	}), nil
}

func (c cluster) listedNode(name string) (*metav1.ObjectMeta, error) {
	return find(c.nodes, "nodes", types.NamespacedName{Name: name})
}

// lister is the cluster as Lister; source as Source: both have a Node and a Pod.
type (
	lister struct{ cluster }
	source struct{ cluster }
)

func (l lister) Node(_ context.Context, name string) (*metav1.ObjectMeta, error) {
	return l.listedNode(name)
}

func (l lister) Nodes(_ context.Context, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	return selected(l.nodes, "", selector)
}

func (l lister) Pod(_ context.Context, name types.NamespacedName) (*metav1.ObjectMeta, error) {
	return find(l.pods, "pods", name)
}

func (l lister) Pods(_ context.Context, namespace string, selector labels.Selector) ([]metav1.ObjectMeta, error) {
	return selected(l.pods, namespace, selector)
}

func (s source) Node(name string) (resourcemetrics.Usage, bool) {
	usage, known := s.measured[types.NamespacedName{Name: name}]
	return usage, known
}

func (s source) Pod(name types.NamespacedName) (resourcemetrics.PodUsage, bool) {
	usage, known := s.measured[name]
	return resourcemetrics.PodUsage{Time: usage.Time, Window: usage.Window, Containers: []resourcemetrics.ContainerUsage{
		{Name: "app", Usage: usage}, {Name: "sidecar", Usage: usage},
	}}, known
}

var measuredAt = time.Unix(1_700_000_000, 0)

// aCluster has nodes one and two, and pods a and b in x and a in y; node two and pod x/b are not measured.
func aCluster() cluster {
	named := func(namespace, name, label string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"is": label}}
	}
	usage := resourcemetrics.Usage{
		Resources: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Time:      measuredAt, Window: 15 * time.Second,
	}
	return cluster{
		nodes: []metav1.ObjectMeta{named("", "two", "other"), named("", "one", "this")},
		pods:  []metav1.ObjectMeta{named("y", "a", "this"), named("x", "b", "this"), named("x", "a", "other")},
		measured: map[types.NamespacedName]resourcemetrics.Usage{
			{Name: "one"}: usage, {Namespace: "x", Name: "a"}: usage, {Namespace: "y", Name: "a"}: usage,
		},
	}
}

func served() *Metrics {
	c := aCluster()
	m := New(source{c})
	m.Use(lister{c})
	return m
}

func selecting(byLabels, byFields string) *internalversion.ListOptions {
	options := &internalversion.ListOptions{}
	if byLabels != "" {
		options.LabelSelector = labels.SelectorFromSet(labels.Set{"is": byLabels})
	}
	if byFields != "" {
		options.FieldSelector = fields.ParseSelectorOrDie(byFields)
	}
	return options
}

func TestListsOfPodsHoldWhatIsMeasured(t *testing.T) {
	for _, c := range []struct {
		name, namespace string
		options         *internalversion.ListOptions
		want            string
	}{
		{"of all namespaces, in their order", "", nil, "x/a y/a"},
		{"of one namespace", "y", nil, "y/a"},
		{"of one where nothing is measured", "z", nil, ""},
		{"by their labels", "", selecting("this", ""), "y/a"},
		{"by name", "", selecting("", "metadata.name=a"), "x/a y/a"},
		{"by namespace", "", selecting("", "metadata.namespace!=y"), "x/a"},
		{"by a name that is not measured", "", selecting("", "metadata.name=b"), ""},
	} {
		list, err := (&podMetrics{served()}).List(genericapirequest.WithNamespace(t.Context(), c.namespace), c.options)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range list.(*metrics.PodMetricsList).Items {
			names = append(names, item.Namespace+"/"+item.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestListsOfNodesHoldWhatIsMeasured(t *testing.T) {
	for _, c := range []struct {
		name    string
		options *internalversion.ListOptions
		want    int
	}{
		{"all", nil, 1}, {"by the label of one that is", selecting("this", ""), 1}, {"by that of one that is not", selecting("other", ""), 0},
		{"by name", selecting("", "metadata.name=one"), 1}, {"by another name", selecting("", "metadata.name=two"), 0},
	} {
		list, err := (&nodeMetrics{served()}).List(t.Context(), c.options)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(list.(*metrics.NodeMetricsList).Items); got != c.want {
			t.Errorf("%s: %d nodes, want %d", c.name, got, c.want)
		}
	}
}

func TestAnObjectTellsWhoseItIsAndWhenItWasMeasured(t *testing.T) {
	object, err := (&podMetrics{served()}).Get(genericapirequest.WithNamespace(t.Context(), "x"), "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	pod := object.(*metrics.PodMetrics)
	if pod.Labels["is"] != "other" || !pod.Timestamp.Time.Equal(measuredAt) || pod.Window.Duration != 15*time.Second || len(pod.Containers) != 2 {
		t.Errorf("%+v", pod)
	}
	object, err = (&nodeMetrics{served()}).Get(t.Context(), "one", nil)
	if err != nil {
		t.Fatal(err)
	}
	if node := object.(*metrics.NodeMetrics); node.Usage.Cpu().String() != "250m" || node.Labels["is"] != "this" {
		t.Errorf("%+v", node)
	}
}

func TestWhatIsNotThereOrNotMeasuredIsNotFound(t *testing.T) {
	x := genericapirequest.WithNamespace(t.Context(), "x")
	for want, get := range map[string]func() error{
		`pods "none" not found`:                      func() error { _, err := (&podMetrics{served()}).Get(x, "none", nil); return err },
		`podmetrics.metrics.k8s.io "x/b" not found`:  func() error { _, err := (&podMetrics{served()}).Get(x, "b", nil); return err },
		`nodes "none" not found`:                     func() error { _, err := (&nodeMetrics{served()}).Get(x, "none", nil); return err },
		`nodemetrics.metrics.k8s.io "two" not found`: func() error { _, err := (&nodeMetrics{served()}).Get(x, "two", nil); return err },
	} {
		if err := get(); !apierrors.IsNotFound(err) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestNobodyIsToldThatThereIsNothingBeforeAnythingIsKnown(t *testing.T) {
	m := New(source{aCluster()})
	if _, err := (&podMetrics{m}).List(t.Context(), nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("listing pods: %v", err)
	}
	if _, err := (&nodeMetrics{m}).Get(t.Context(), "one", nil); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("getting a node: %v", err)
	}
}

func TestTablesAreMetricsServers(t *testing.T) {
	pods := &podMetrics{served()}
	list, err := pods.List(genericapirequest.WithNamespace(t.Context(), "x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := pods.ConvertToTable(t.Context(), list, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, column := range made.ColumnDefinitions {
		names = append(names, column.Name)
	}
	if !slices.Equal(names, []string{"Name", "cpu", "memory", "Window"}) {
		t.Errorf("columns %v", names)
	}
	if want := []any{"a", "500m", "128Mi", "15s"}; len(made.Rows) != 1 || !slices.Equal(made.Rows[0].Cells, want) {
		t.Errorf("rows %+v, want one of %v", made.Rows, want)
	}
	empty, err := pods.ConvertToTable(t.Context(), &metrics.PodMetricsList{}, nil)
	if err != nil || len(empty.ColumnDefinitions)+len(empty.Rows) != 0 {
		t.Errorf("of nothing: %+v (%v)", empty, err)
	}
}

func TestTheGroupServesNodesAndPodsOfOneVersion(t *testing.T) {
	group, err := served().Group()
	if err != nil {
		t.Fatal(err)
	}
	if len(group.PrioritizedVersions) != 1 || group.PrioritizedVersions[0].String() != "metrics.k8s.io/v1beta1" {
		t.Errorf("versions %v", group.PrioritizedVersions)
	}
	if storage := group.VersionedResourcesStorageMap["v1beta1"]; len(storage) != 2 || storage["nodes"] == nil || storage["pods"] == nil {
		t.Errorf("resources %v", storage)
	}
}
