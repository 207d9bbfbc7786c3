package endpointslice

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/portset"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/endpointslice"
	endpointsliceutil "k8s.io/endpointslice/util"
	"pgregory.net/rapid"
)

// TestSlicesSayWhatThoseOfKubernetesSay lets Kubernetes' own reconciler list the same random pods of the same random
// Services.
func TestSlicesSayWhatThoseOfKubernetesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		service, pods := drawService(t), drawPods(t)
		got := map[string]discoveryv1.Endpoint{}
		for _, step := range (Controller{}).Plan(service, behind(pods, nil), gen.Now).Steps() {
			for _, obj := range step.(*plan.Create).Objects() {
				collect(got, (*discoveryv1.EndpointSlice)(obj.(*odiscoveryv1.EndpointSlice)))
			}
		}
		if diff := cmp.Diff(slicesOfKubernetes(t, service, pods), got); diff != "" {
			t.Fatalf("slices differ from those of Kubernetes (-Kubernetes +ours):\n%s", diff)
		}
	})
}

func slicesOfKubernetes(t *rapid.T, service *ocorev1.Service, pods []*ocorev1.Pod) map[string]discoveryv1.Endpoint {
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if err := nodes.Add((*corev1.Node)(gen.Node("a", gen.InZone("zone-a")))); err != nil {
		t.Fatal(err)
	}
	all := map[string]discoveryv1.Endpoint{}
	clientset := fake.NewClientset()
	clientset.PrependReactor("create", "endpointslices", func(action clienttesting.Action) (bool, runtime.Object, error) {
		created := action.(clienttesting.CreateAction).GetObject()
		collect(all, created.(*discoveryv1.EndpointSlice))
		return true, created, nil
	})
	reconciler := endpointslice.NewReconciler(clientset, corelisters.NewNodeLister(nodes), fullest,
		endpointsliceutil.NewEndpointSliceTracker(), nil, record.NewFakeRecorder(1), managedBy,
		endpointslice.WithPreferSameTrafficDistributionEnabled(true))
	converted := make([]*corev1.Pod, len(pods))
	for i, pod := range pods {
		converted[i] = (*corev1.Pod)(pod.DeepCopy())
	}
	// It reports pods without a node as an error, and goes on.
	_ = reconciler.Reconcile(logr.Discard(), (*corev1.Service)(service.DeepCopy()), converted, nil, time.Time{})
	return all
}

// collect adds a slice's endpoints to all, by what the slice says of all of them. A slice without endpoints is one itself.
func collect(all map[string]discoveryv1.Endpoint, slice *discoveryv1.EndpointSlice) {
	labels := make([]string, 0, len(slice.Labels))
	for _, key := range slices.Sorted(maps.Keys(slice.Labels)) {
		labels = append(labels, key+"="+slice.Labels[key])
	}
	of := fmt.Sprintf("%s with %s and %v", slice.AddressType, portset.Key(slice.Ports), labels)
	if len(slice.Endpoints) == 0 {
		all[of] = discoveryv1.Endpoint{}
	}
	for _, e := range slice.Endpoints {
		all[of+": "+e.TargetRef.Name] = e
	}
}

func drawService(t *rapid.T) *ocorev1.Service {
	service := gen.Service("web", gen.TargetPort(rapid.SampledFrom([]string{"80", "http"}).Draw(t, "target port")))
	service.Labels = rapid.MapOf(
		rapid.SampledFrom([]string{"team", discoveryv1.LabelServiceName, corev1.IsHeadlessService}),
		rapid.SampledFrom([]string{"x", "y"})).Draw(t, "labels")
	service.Spec.PublishNotReadyAddresses = rapid.Bool().Draw(t, "publishes what is not ready")
	service.Spec.ClusterIP = rapid.SampledFrom([]string{corev1.ClusterIPNone, "10.0.0.1", "fd00::1"}).Draw(t, "cluster IP")
	service.Spec.IPFamilies = rapid.SampledFrom([][]corev1.IPFamily{
		nil, {corev1.IPv4Protocol}, {corev1.IPv6Protocol}, {corev1.IPv6Protocol, corev1.IPv4Protocol},
	}).Draw(t, "families")
	if rapid.Bool().Draw(t, "has no ports") {
		service.Spec.Ports = nil
	}
	preferring(rapid.SampledFrom([]string{"", "PreferClose", "PreferSameZone", "PreferSameNode"}).Draw(t, "distribution"))(service)
	return service
}

func drawPods(t *rapid.T) []*ocorev1.Pod {
	var pods []*ocorev1.Pod
	for i := range rapid.IntRange(0, 5).Draw(t, "pods") {
		pod := gen.Pod(fmt.Sprintf("p%d", i), gen.Port("http", rapid.Int32Range(80, 82).Draw(t, "port")))
		pod.Spec.NodeName = rapid.SampledFrom([]string{"a", "a", "a", "nowhere"}).Draw(t, "node")
		pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{corev1.PodPending, corev1.PodRunning, corev1.PodFailed}).Draw(t, "phase")
		if addresses := rapid.SampledFrom([][]string{nil, {"10.1.0.1"}, {"fd00::1"}, {"10.1.0.1", "fd00:0::1"}}).Draw(t, "addresses"); addresses != nil {
			gen.IP(addresses...)(pod)
		}
		if rapid.Bool().Draw(t, "ready") {
			gen.Ready(gen.Ago(0))(pod)
		}
		if rapid.Bool().Draw(t, "going") {
			gen.Going(pod)
		}
		if rapid.Bool().Draw(t, "has a hostname") {
			pod.Spec.Hostname, pod.Spec.Subdomain = "host", rapid.SampledFrom([]string{"web", "other"}).Draw(t, "subdomain")
		}
		pods = append(pods, pod)
	}
	return pods
}
