package endpoints_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/endpoints"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestEndpointsConvergeOnThePodsThatThereAre(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:      scheme,
			Loops:       []loop.Loop{endpoints.Loop()},
			Start:       start,
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      change,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{keepsOffHandmadeEndpoints},
			Converged:   listsEveryPod,
		})
	})
}

// start has a Service and some of its pods, another without a selector, and Endpoints of that and of none that somebody made by hand.
func start(t *rapid.T) []client.Object {
	without := gen.Service("handmade")
	without.Spec.Selector = nil
	objs := []client.Object{gen.Service("web", gen.TargetPort("http")), without, handmade("handmade"), handmade("alone")}
	if rapid.Bool().Draw(t, "was made before") {
		objs = append(objs, handmade("web"))
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "pods") {
		objs = append(objs, drawPod(t, i))
	}
	return objs
}

func handmade(name string) *ocorev1.Endpoints {
	e := &ocorev1.Endpoints{Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "192.168.0.1"}}}}}
	e.Name, e.Namespace = name, gen.Namespace
	return e
}

func drawPod(t *rapid.T, i int) *ocorev1.Pod {
	number := rapid.Int32Range(80, 81).Draw(t, "port")
	return gen.Pod(fmt.Sprintf("p%d", i), gen.Labelled("app", "web"), gen.Port("http", number), gen.IP(fmt.Sprintf("10.1.0.%d", i+1)))
}

func change(t *rapid.T, w *looptest.World) {
	services := looptest.All[*ocorev1.Service](w)
	web := services[len(services)-1]
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		w.Put(drawPod(t, rapid.IntRange(4, 8).Draw(t, "number")))
	case 1:
		fakekubelet.DisturbPods(t, w)
	case 2:
		label := rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "team")
		looptest.Edit(w, "user", web, func(service *ocorev1.Service) { service.Labels = map[string]string{"team": label} })
	case 3:
		looptest.Edit(w, "user", web, func(service *ocorev1.Service) {
			service.Spec.PublishNotReadyAddresses = !service.Spec.PublishNotReadyAddresses
		})
	case 4:
		if web.Name == "web" {
			_ = w.Client("user").Delete(t.Context(), web)
		} else {
			w.Put(gen.Service("web", gen.TargetPort("http")))
		}
	}
}

func keepsOffHandmadeEndpoints(_ *looptest.World, write looptest.Write) error {
	if write.Before != nil && (write.Before.GetName() == "handmade" || write.Before.GetName() == "alone") && write.By == endpoints.Loop().Name() {
		return errors.New("those Endpoints were made by hand")
	}
	return nil
}

func listsEveryPod(w *looptest.World) error {
	want, got := map[string]int{}, map[string]int{}
	for _, service := range looptest.All[*ocorev1.Service](w) {
		for _, pod := range looptest.All[*ocorev1.Pod](w) {
			if service.Name == "web" && pod.Labels["app"] == "web" && pod.Status.Phase != corev1.PodFailed && pod.DeletionTimestamp == nil {
				want[fmt.Sprintf("%s=%d", pod.Name, pod.Spec.Containers[0].Ports[0].ContainerPort)]++
			}
		}
	}
	for _, e := range looptest.All[*ocorev1.Endpoints](w) {
		for _, subset := range e.Subsets {
			for _, a := range subset.Addresses {
				if e.Name == "web" && a.TargetRef != nil {
					got[fmt.Sprintf("%s=%d", a.TargetRef.Name, subset.Ports[0].Port)]++
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the Endpoints do not list the pods (-pods +Endpoints):\n%s", diff)
	}
	return nil
}
