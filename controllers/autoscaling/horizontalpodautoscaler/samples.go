package horizontalpodautoscaler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	customv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// customWindow is over which time a custom metric is measured that does not say.
const customWindow = time.Minute

// sample is how much of something one pod uses, in thousandths.
type sample struct {
	value  int64
	at     time.Time
	window time.Duration
}

// reading is what a metrics API says of one metric.
type reading struct {
	// pods are the samples of a metric of pods, by their names.
	pods map[string]sample
	// values are those of a metric of anything else, in thousandths: one of an object, any number of an external metric.
	values []int64
	// err is why there are neither.
	err error
	// took is how long it took to ask.
	took time.Duration
}

func unread(format string, args ...any) reading { return reading{err: fmt.Errorf(format, args...)} }

// reader reads the metrics of one autoscaler.
type reader struct {
	options   Options
	namespace string
	pods      labels.Selector
	// resources lists what the pods use, once for all metrics that are about it.
	resources func(context.Context) (*metricsapi.PodMetricsList, error)
}

func newReader(o Options, namespace string, pods labels.Selector) *reader {
	r := &reader{options: o, namespace: namespace, pods: pods}
	var (
		once sync.Once
		list *metricsapi.PodMetricsList
		err  error
	)
	r.resources = func(ctx context.Context) (*metricsapi.PodMetricsList, error) {
		once.Do(func() {
			list, err = o.Resource.PodMetricses(namespace).List(ctx, metav1.ListOptions{LabelSelector: pods.String()})
		})
		return list, err
	}
	return r
}

// read asks for one metric. What cannot be one is for whoever makes something of the reading.
func (r *reader) read(ctx context.Context, metric autoscalingv2.MetricSpec) reading {
	switch {
	case metric.Type == autoscalingv2.ResourceMetricSourceType && metric.Resource != nil:
		return r.resource(ctx, metric.Resource.Name, func(pod *metricsapi.PodMetrics) (int64, bool) { return ofPod(pod, metric.Resource.Name) })
	case metric.Type == autoscalingv2.ContainerResourceMetricSourceType && metric.ContainerResource != nil:
		return r.resource(ctx, metric.ContainerResource.Name, func(pod *metricsapi.PodMetrics) (int64, bool) {
			return ofContainer(pod, metric.ContainerResource.Container, metric.ContainerResource.Name)
		})
	case metric.Type == autoscalingv2.PodsMetricSourceType && metric.Pods != nil:
		return r.ofPods(metric.Pods.Metric)
	case metric.Type == autoscalingv2.ObjectMetricSourceType && metric.Object != nil:
		return r.ofObject(metric.Object)
	case metric.Type == autoscalingv2.ExternalMetricSourceType && metric.External != nil:
		return r.external(metric.External.Metric)
	default:
		return reading{}
	}
}

// resource reads how much of a resource each pod uses.
func (r *reader) resource(ctx context.Context, name corev1.ResourceName, of func(*metricsapi.PodMetrics) (int64, bool)) reading {
	list, err := r.resources(ctx)
	if err != nil {
		return unread("unable to get metrics for resource %s: unable to fetch metrics from resource metrics API: %w", name, err)
	}
	if len(list.Items) == 0 {
		return unread("unable to get metrics for resource %s: no metrics returned from resource metrics API", name)
	}
	samples := map[string]sample{}
	for i := range list.Items {
		pod := &list.Items[i]
		if used, known := of(pod); known {
			samples[pod.Name] = sample{used, pod.Timestamp.Time, pod.Window.Duration}
		}
	}
	return reading{pods: samples}
}

// ofPod is how much all containers of a pod use together; not known if it is not of one of them.
func ofPod(pod *metricsapi.PodMetrics, resource corev1.ResourceName) (sum int64, known bool) {
	for i := range pod.Containers {
		used, found := pod.Containers[i].Usage[resource]
		if !found {
			return 0, false
		}
		sum += used.MilliValue()
	}
	return sum, len(pod.Containers) > 0
}

func ofContainer(pod *metricsapi.PodMetrics, name string, resource corev1.ResourceName) (used int64, known bool) {
	for i := range pod.Containers {
		if pod.Containers[i].Name == name {
			quantity, found := pod.Containers[i].Usage[resource]
			return quantity.MilliValue(), found
		}
	}
	return 0, false
}

// ofPods reads a custom metric of each pod.
func (r *reader) ofPods(metric autoscalingv2.MetricIdentifier) reading {
	selector, err := metav1.LabelSelectorAsSelector(metric.Selector)
	if err != nil {
		return reading{err: err}
	}
	list, err := r.options.Custom.NamespacedMetrics(r.namespace).GetForObjects(schema.GroupKind{Kind: "Pod"}, r.pods, metric.Name, selector)
	if err != nil {
		return unread("unable to get metric %s: unable to fetch metrics from custom metrics API: %w", metric.Name, err)
	}
	if len(list.Items) == 0 {
		return unread("unable to get metric %s: no metrics returned from custom metrics API", metric.Name)
	}
	samples := map[string]sample{}
	for i := range list.Items {
		samples[list.Items[i].DescribedObject.Name] = customSample(&list.Items[i])
	}
	return reading{pods: samples}
}

func customSample(value *customv1beta2.MetricValue) sample {
	window := customWindow
	if value.WindowSeconds != nil {
		window = time.Duration(*value.WindowSeconds) * time.Second
	}
	return sample{value.Value.MilliValue(), value.Timestamp.Time, window}
}

// ofObject reads a custom metric of an object. A Namespace can only be the autoscaler's own, whatever its name: nobody is to see
// what another namespace does.
func (r *reader) ofObject(source *autoscalingv2.ObjectMetricSource) reading {
	selector, err := metav1.LabelSelectorAsSelector(source.Metric.Selector)
	if err != nil {
		return reading{err: err}
	}
	object := source.DescribedObject
	kind := schema.FromAPIVersionAndKind(object.APIVersion, object.Kind).GroupKind()
	metrics, name := r.options.Custom.NamespacedMetrics(r.namespace), object.Name
	if kind == (schema.GroupKind{Kind: "Namespace"}) {
		metrics, name = r.options.Custom.RootScopedMetrics(), r.namespace
	}
	value, err := metrics.GetForObject(kind, name, source.Metric.Name, selector)
	if err != nil {
		return unread("unable to get metric %s on %s %s/%s: unable to fetch metrics from custom metrics API: %w",
			source.Metric.Name, object.Kind, r.namespace, object.Name, err)
	}
	return reading{values: []int64{value.Value.MilliValue()}}
}

// external reads the values of a metric that is about nothing in the cluster.
func (r *reader) external(metric autoscalingv2.MetricIdentifier) reading {
	selector, err := metav1.LabelSelectorAsSelector(metric.Selector)
	if err != nil {
		return reading{err: err}
	}
	list, err := r.options.External.NamespacedMetrics(r.namespace).List(metric.Name, selector)
	if err != nil {
		err = fmt.Errorf("unable to fetch metrics from external metrics API: %w", err)
	} else if len(list.Items) == 0 {
		err = errors.New("no metrics returned from external metrics API")
	}
	if err != nil {
		return unread("unable to get external metric %s/%s/%+v: %w", r.namespace, metric.Name, metric.Selector, err)
	}
	var values []int64
	for i := range list.Items {
		values = append(values, list.Items[i].Value.MilliValue())
	}
	return reading{values: values}
}
