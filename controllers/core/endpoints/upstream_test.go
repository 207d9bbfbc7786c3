package endpoints

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	endpointsutil "k8s.io/kubernetes/pkg/api/v1/endpoints"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"pgregory.net/rapid"
)

// TestEndpointsSayWhatThoseOfKubernetesSay runs Kubernetes' own controller on the same random pods of the same random Services.
func TestEndpointsSayWhatThoseOfKubernetesSay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		service, all := drawService(rt), drawPods(rt)
		got := (*corev1.Endpoints)(created(rt, service, all))
		endpointsutil.SortSubsets(got.Subsets)
		want := endpointsOfKubernetes(t, service, all)
		// Of the time of the change Kubernetes keeps track by other means; and the namespace is the request's.
		got.Annotations, want.Annotations, want.Namespace = nil, nil, got.Namespace
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("Endpoints differ from those of Kubernetes (-Kubernetes +ours):\n%s", diff)
		}
	})
}

func endpointsOfKubernetes(t *testing.T, service *ocorev1.Service, pods []ocorev1.Pod) *corev1.Endpoints {
	objs := []runtime.Object{(*corev1.Service)(service.DeepCopy())}
	for i := range pods {
		objs = append(objs, (*corev1.Pod)(pods[i].DeepCopy()))
	}
	clientset := fake.NewClientset(objs...)
	written := make(chan *corev1.Endpoints, 1)
	clientset.PrependReactor("create", "endpoints", func(action clienttesting.Action) (bool, runtime.Object, error) {
		obj := action.(clienttesting.CreateAction).GetObject()
		select {
		case written <- obj.(*corev1.Endpoints):
		default:
		}
		return true, obj, nil
	})
	factory := informers.NewSharedInformerFactory(clientset, 0)
	core := factory.Core().V1()
	controller := endpoint.NewEndpointController(t.Context(), core.Pods(), core.Services(), core.Endpoints(), clientset, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer factory.Shutdown()
	defer cancel()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go controller.Run(ctx, 1)
	select {
	case e := <-written:
		return e.DeepCopy()
	case <-time.After(time.Minute):
		t.Fatal("the controller of Kubernetes writes no Endpoints")
		return nil
	}
}

func drawService(t *rapid.T) *ocorev1.Service {
	service := gen.Service("web", gen.TargetPort(rapid.SampledFrom([]string{"80", "http"}).Draw(t, "target port")))
	service.Labels = rapid.MapOf(
		rapid.SampledFrom([]string{"team", labelManagedBy, corev1.IsHeadlessService}),
		rapid.SampledFrom([]string{"x", "y"})).Draw(t, "labels")
	service.Spec.PublishNotReadyAddresses = rapid.Bool().Draw(t, "publishes what is not ready")
	service.Spec.ClusterIP = rapid.SampledFrom([]string{corev1.ClusterIPNone, "10.0.0.1", "fd00::1"}).Draw(t, "cluster IP")
	service.Spec.IPFamilies = rapid.SampledFrom([][]corev1.IPFamily{
		nil, {corev1.IPv4Protocol}, {corev1.IPv6Protocol}, {corev1.IPv6Protocol, corev1.IPv4Protocol},
	}).Draw(t, "families")
	switch rapid.IntRange(0, 2).Draw(t, "ports") {
	case 0:
		service.Spec.Ports = nil
	case 1:
		more := service.Spec.Ports[0]
		more.Name = "more"
		service.Spec.Ports = append(service.Spec.Ports, more)
	}
	return service
}

func drawPods(t *rapid.T) []ocorev1.Pod {
	var all []ocorev1.Pod
	for i := range rapid.IntRange(0, 5).Draw(t, "pods") {
		pod := gen.Pod(fmt.Sprintf("p%d", i), gen.Labelled("app", "web"), gen.On("node"), gen.Port("http", rapid.Int32Range(80, 82).Draw(t, "port")))
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
		all = append(all, *pod)
	}
	return all
}
