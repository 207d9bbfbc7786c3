package live

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"
	customv1beta1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// metrics is a server of all three metrics APIs. Of the custom ones it has the older version only.
type metrics struct {
	mu sync.Mutex
	// each is what every pod uses of CPU, and rate and queue are the metrics of these names, all in thousandths.
	each, rate, queue int64
	pods              int
}

// serve registers the APIs with the API server, for as long as the spec runs, and waits until they are served.
func serve(ctx context.Context, m *metrics) {
	GinkgoHelper()
	server := httptest.NewTLSServer(m)
	DeferCleanup(server.Close)
	at, err := url.Parse(server.URL)
	Expect(err).NotTo(HaveOccurred())
	port, err := strconv.Atoi(at.Port())
	Expect(err).NotTo(HaveOccurred())
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "metrics-"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}}
	service, err = admin.CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	apis := aggregator.NewForConfigOrDie(env.Config).APIServices()
	for _, group := range []string{"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"} {
		api := &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: "v1beta1." + group}, Spec: apiregistrationv1.APIServiceSpec{
			Group: group, Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100, InsecureSkipTLSVerify: true,
			Service: &apiregistrationv1.ServiceReference{Namespace: service.Namespace, Name: service.Name, Port: new(int32(port))},
		}}
		_, err := apis.Create(ctx, api, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx context.Context) { Expect(apis.Delete(ctx, api.Name, metav1.DeleteOptions{})).To(Succeed()) })
		eventually(ctx, func() string {
			_, err := admin.RESTClient().Get().AbsPath("/apis/" + group + "/v1beta1").DoRaw(ctx)
			if err != nil {
				return err.Error()
			}
			return ""
		}).Should(BeEmpty())
	}
}

// ServeHTTP answers as the adapters of metrics do.
func (m *metrics) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m.answer(request.URL.Path)) // whom nobody listens to needs no answer
}

func (m *metrics) answer(path string) any {
	now := metav1.NewTime(time.Now())
	switch {
	case strings.HasPrefix(path, "/apis/metrics.k8s.io/v1beta1/") && strings.HasSuffix(path, "/pods"):
		list := &metricsapi.PodMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "PodMetricsList"}}
		for i := range m.pods {
			list.Items = append(list.Items, metricsapi.PodMetrics{ObjectMeta: metav1.ObjectMeta{Name: podName(i)}, Timestamp: now, Containers: []metricsapi.ContainerMetrics{{
				Name: "app", Usage: corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(m.each, resource.DecimalSI)},
			}}})
		}
		return list
	case strings.HasSuffix(path, "/rate"):
		return &customv1beta1.MetricValueList{TypeMeta: metav1.TypeMeta{APIVersion: "custom.metrics.k8s.io/v1beta1", Kind: "MetricValueList"}, Items: []customv1beta1.MetricValue{{
			DescribedObject: corev1.ObjectReference{Kind: "Deployment", Name: "web"}, MetricName: "rate", Timestamp: now, Value: *resource.NewMilliQuantity(m.rate, resource.DecimalSI),
		}}}
	case strings.HasSuffix(path, "/queue"):
		return &externalapi.ExternalMetricValueList{TypeMeta: metav1.TypeMeta{APIVersion: "external.metrics.k8s.io/v1beta1", Kind: "ExternalMetricValueList"}, Items: []externalapi.ExternalMetricValue{{
			MetricName: "queue", Timestamp: now, Value: *resource.NewMilliQuantity(m.queue, resource.DecimalSI),
		}}}
	default:
		group := strings.Split(path+"//", "/")[2]
		return &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: group + "/v1beta1", APIResources: []metav1.APIResource{}}
	}
}
