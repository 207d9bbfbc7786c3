package horizontalpodautoscaler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	customv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
)

// served is what the metrics APIs have to tell. One that is nil is not served.
type served struct {
	// pods are what containers use: by pod, by container, by resource, in thousandths.
	pods map[string]map[string]map[corev1.ResourceName]int64
	// custom are the values of a metric by what it describes, as "Pod/web-1", in thousandths.
	custom map[string]map[string]int64
	// external are the values of a metric, in thousandths.
	external map[string][]int64
	// at is when everything was measured, over a window.
	at     time.Time
	window time.Duration
}

// options are those of a loop that asks it.
func (s *served) options() Options {
	return Options{Resource: podUse{served: s}, Custom: customMetrics{s}, External: externalMetrics{s}}
}

type podUse struct {
	metricsv1beta1.PodMetricsInterface
	served *served
}

func (p podUse) PodMetricses(string) metricsv1beta1.PodMetricsInterface { return p }

func (p podUse) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	if p.served.pods == nil {
		return nil, apierrors.NewGenericServerResponse(404, "list", schema.GroupResource{Group: "metrics.k8s.io", Resource: "pods"}, "", "", 0, true)
	}
	list := &metricsapi.PodMetricsList{}
	for _, pod := range sortedKeys(p.served.pods) {
		use := metricsapi.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod}, Timestamp: metav1.NewTime(p.served.at), Window: metav1.Duration{Duration: p.served.window},
		}
		for _, container := range sortedKeys(p.served.pods[pod]) {
			used := metricsapi.ContainerMetrics{Name: container, Usage: corev1.ResourceList{}}
			for name, value := range p.served.pods[pod][container] {
				used.Usage[name] = *resource.NewMilliQuantity(value, resource.DecimalSI)
			}
			use.Containers = append(use.Containers, used)
		}
		list.Items = append(list.Items, use)
	}
	return list, nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

type customMetrics struct{ served *served }

func (c customMetrics) RootScopedMetrics() custom_metrics.MetricsInterface       { return c }
func (c customMetrics) NamespacedMetrics(string) custom_metrics.MetricsInterface { return c }
func (c customMetrics) metric(name string) (map[string]int64, error) {
	if c.served.custom == nil {
		return nil, fmt.Errorf("no custom metrics API (%s) registered", customv1beta2.SchemeGroupVersion.Group)
	}
	return c.served.custom[name], nil
}

func (c customMetrics) GetForObject(kind schema.GroupKind, name, metric string, _ labels.Selector) (*customv1beta2.MetricValue, error) {
	values, err := c.metric(metric)
	if err != nil {
		return nil, err
	}
	value, found := values[kind.Kind+"/"+name]
	if !found {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: "custom.metrics.k8s.io", Resource: metric}, name)
	}
	return c.value(kind.Kind+"/"+name, value), nil
}

func (c customMetrics) GetForObjects(kind schema.GroupKind, _ labels.Selector, metric string, _ labels.Selector) (*customv1beta2.MetricValueList, error) {
	values, err := c.metric(metric)
	if err != nil {
		return nil, err
	}
	list := &customv1beta2.MetricValueList{}
	for _, object := range sortedKeys(values) {
		if strings.HasPrefix(object, kind.Kind+"/") {
			list.Items = append(list.Items, *c.value(object, values[object]))
		}
	}
	return list, nil
}

func (c customMetrics) value(object string, value int64) *customv1beta2.MetricValue {
	kind, name, _ := strings.Cut(object, "/")
	return &customv1beta2.MetricValue{
		DescribedObject: corev1.ObjectReference{Kind: kind, Name: name}, Value: *resource.NewMilliQuantity(value, resource.DecimalSI), Timestamp: metav1.NewTime(c.served.at),
	}
}

type externalMetrics struct{ served *served }

func (e externalMetrics) NamespacedMetrics(string) external_metrics.MetricsInterface { return e }

func (e externalMetrics) List(metric string, _ labels.Selector) (*externalapi.ExternalMetricValueList, error) {
	if e.served.external == nil {
		return nil, apierrors.NewGenericServerResponse(404, "get", schema.GroupResource{Group: "external.metrics.k8s.io", Resource: metric}, "", "", 0, true)
	}
	list := &externalapi.ExternalMetricValueList{}
	for _, value := range e.served.external[metric] {
		list.Items = append(list.Items, externalapi.ExternalMetricValue{MetricName: metric, Value: *resource.NewMilliQuantity(value, resource.DecimalSI)})
	}
	return list, nil
}
