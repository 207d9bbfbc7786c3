package differential

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	customv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/controllers/autoscaling/horizontalpodautoscaler"
)

// load is what all pods of a namespace use, and what is measured elsewhere, in thousandths; negative is not measured.
type load struct{ cpu, custom, external int64 }

// loads are those of all scenarios. Both sides see the same.
var loads sync.Map

func loadOf(namespace string) load {
	if l, ok := loads.Load(namespace); ok {
		return l.(load)
	}
	return load{-1, -1, -1}
}

// metricsServer serves metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io for the pods of a side.
func metricsServer(s *side) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", func(w http.ResponseWriter, r *http.Request) {
		list := &metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "PodMetricsList"}}
		cpu := loadOf(r.PathValue("namespace")).cpu
		for _, pod := range s.measured(r, cpu) {
			list.Items = append(list.Items, metricsv1beta1.PodMetrics{
				ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}, Timestamp: metav1.Now(), Window: metav1.Duration{Duration: 30 * time.Second},
				Containers: []metricsv1beta1.ContainerMetrics{{Name: "main", Usage: corev1.ResourceList{corev1.ResourceCPU: *milli(cpu)}}},
			})
		}
		answer(w, list)
	})
	mux.HandleFunc("GET /apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/pods/{name}/{metric}", func(w http.ResponseWriter, r *http.Request) {
		list := &customv1beta2.MetricValueList{TypeMeta: metav1.TypeMeta{APIVersion: "custom.metrics.k8s.io/v1beta2", Kind: "MetricValueList"}}
		custom := loadOf(r.PathValue("namespace")).custom
		for _, pod := range s.measured(r, custom) {
			list.Items = append(list.Items, customv1beta2.MetricValue{
				DescribedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace},
				Metric:          customv1beta2.MetricIdentifier{Name: r.PathValue("metric")}, Timestamp: metav1.Now(), Value: *milli(custom),
			})
		}
		answer(w, list)
	})
	mux.HandleFunc("GET /apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", func(w http.ResponseWriter, r *http.Request) {
		list := &externalv1beta1.ExternalMetricValueList{TypeMeta: metav1.TypeMeta{APIVersion: "external.metrics.k8s.io/v1beta1", Kind: "ExternalMetricValueList"}}
		if external := loadOf(r.PathValue("namespace")).external; external >= 0 {
			list.Items = append(list.Items, externalv1beta1.ExternalMetricValue{MetricName: r.PathValue("metric"), Timestamp: metav1.Now(), Value: *milli(external)})
		}
		answer(w, list)
	})
	return httptest.NewServer(mux)
}

func milli(n int64) *resource.Quantity { return resource.NewMilliQuantity(n, resource.DecimalSI) }

func answer(w http.ResponseWriter, list any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(list); err != nil {
		panic(err)
	}
}

// measured are the pods that a request asks for and that run; none if nothing is measured.
func (s *side) measured(r *http.Request, value int64) []corev1.Pod {
	if value < 0 {
		return nil
	}
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		panic(err)
	}
	var pods, running corev1.PodList
	if err := s.objects.List(r.Context(), &pods, client.InNamespace(r.PathValue("namespace")), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil // the request has ended
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase == corev1.PodRunning {
			running.Items = append(running.Items, pod)
		}
	}
	return running.Items
}

// theOnlyVersion is the custom metrics API's.
type theOnlyVersion struct{}

func (theOnlyVersion) PreferredVersion() (schema.GroupVersion, error) {
	return customv1beta2.SchemeGroupVersion, nil
}
func (theOnlyVersion) Invalidate() {}

const (
	// resyncMetrics is how often autoscalers look.
	resyncMetrics = 300 * time.Millisecond
	// instant is as good as no time.
	instant = time.Millisecond
)

// metricsClients are those of the metrics of a side, and how autoscalers of both use them.
func (s *side) metricsClients(mapper meta.RESTMapper) (o horizontalpodautoscaler.Options, err error) {
	o = horizontalpodautoscaler.Options{
		SyncPeriod: resyncMetrics, DownscaleStabilization: instant, Tolerance: 0.1, CPUInitializationPeriod: instant, InitialReadinessDelay: instant,
	}
	config := &rest.Config{Host: s.metrics.URL, QPS: -1}
	if o.Resource, err = v1beta1.NewForConfig(config); err != nil {
		return o, fmt.Errorf("making the client of the metrics of %s: %w", s.name, err)
	}
	if o.External, err = external_metrics.NewForConfig(config); err != nil {
		return o, fmt.Errorf("making the client of the external metrics of %s: %w", s.name, err)
	}
	o.Custom = custom_metrics.NewForConfig(config, mapper, theOnlyVersion{})
	return o, nil
}

// measures changes what is measured in a scenario.
func (s *scenario) measures(change func(*load)) bool {
	l := loadOf(s.namespace)
	change(&l)
	if l == loadOf(s.namespace) {
		return false
	}
	told := func(n int64) string {
		if n < 0 {
			return "nothing"
		}
		return milli(n).String()
	}
	s.do(strings.Join([]string{"pods use ", told(l.cpu), " CPUs and have ", told(l.custom), " requests each, and the queue has ", told(l.external)}, ""),
		func(_ context.Context, _ client.Client, _ *state) error { loads.Store(s.namespace, l); return nil })
	return true
}
