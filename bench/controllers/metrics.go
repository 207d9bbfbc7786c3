package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"k8s.io/utils/ptr"
)

// resourceMetrics is a server of metrics.k8s.io, as metrics-server is one. The pods that are asked for together share a load.
type resourceMetrics struct {
	*httptest.Server
	stage    *stage
	milliCPU atomic.Int64
}

const metricsVersion = "metrics.k8s.io/v1beta1"

// serveMetrics registers the metrics API with the API server, and waits until it is served.
func (g *stage) serveMetrics(ctx context.Context) (*resourceMetrics, error) {
	m := &resourceMetrics{stage: g}
	m.Server = httptest.NewTLSServer(m)
	at, err := url.Parse(m.URL)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	port, err := strconv.ParseInt(at.Port(), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics", Namespace: metav1.NamespaceDefault},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if _, err := g.client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	config := g.access.Driver.Config()
	services, err := aggregator.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	api := &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: "v1beta1.metrics.k8s.io"}, Spec: apiregistrationv1.APIServiceSpec{
		Group: "metrics.k8s.io", Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100, InsecureSkipTLSVerify: true,
		Service: &apiregistrationv1.ServiceReference{Namespace: service.Namespace, Name: service.Name, Port: ptr.To(int32(port))},
	}}
	if _, err := services.APIServices().Create(ctx, api, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	return m, g.until(ctx, "metrics to be served", func() (string, bool) {
		_, err := g.client.RESTClient().Get().AbsPath("/apis/" + metricsVersion).DoRaw(ctx)
		return fmt.Sprint(err), err == nil
	})
}

// ServeHTTP answers as metrics-server does.
func (m *resourceMetrics) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	answer, err := m.answer(request.URL)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // whom nobody listens to needs no answer
}

func (m *resourceMetrics) answer(asked *url.URL) (any, error) {
	namespace, isPods := strings.CutSuffix(strings.TrimPrefix(asked.Path, "/apis/"+metricsVersion+"/namespaces/"), "/pods")
	if !isPods {
		return &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: metricsVersion, APIResources: []metav1.APIResource{}}, nil
	}
	selector, err := labels.Parse(asked.Query().Get("labelSelector"))
	if err != nil {
		return nil, err
	}
	pods, err := m.stage.pods.Lister().Pods(namespace).List(selector)
	if err != nil {
		return nil, err
	}
	list := &metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: metricsVersion, Kind: "PodMetricsList"}}
	now := metav1.Now()
	for _, pod := range pods {
		used := corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(m.milliCPU.Load()/int64(len(pods)), resource.DecimalSI)}
		list.Items = append(list.Items, metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: namespace}, Timestamp: now, Window: metav1.Duration{Duration: time.Second},
			Containers: []metricsv1beta1.ContainerMetrics{{Name: pod.Spec.Containers[0].Name, Usage: used}},
		})
	}
	return list, nil
}
