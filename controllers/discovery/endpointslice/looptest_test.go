package endpointslice_test

import (
	"errors"
	"fmt"
	"testing"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslice"
	"github.com/orrery-dev/orrery/controllers/internal/fakekubelet"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestSlicesConvergeOnThePodsThatThereAre(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:      scheme,
			Loops:       []loop.Loop{endpointslice.Loop()},
			Start:       start,
			Prepare:     fakekubelet.DeletesGracefully,
			Change:      change,
			Environment: fakekubelet.Sync,
			Invariants:  []looptest.Invariant{keepsOffHandmadeSlices},
			Converged:   listsEveryPod,
		})
	})
}

// start has a Service, some of its pods, their node, and a slice that somebody made by hand.
func start(t *rapid.T) []client.Object {
	handmade := &odiscoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	handmade.Name, handmade.Namespace = "handmade", gen.Namespace
	handmade.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	objs := []client.Object{gen.Service("web", gen.TargetPort("http")), gen.Node("node", gen.InZone("zone")), handmade}
	for i := range rapid.IntRange(0, 4).Draw(t, "pods") {
		objs = append(objs, drawPod(t, i))
	}
	return objs
}

func drawPod(t *rapid.T, i int) *ocorev1.Pod {
	number := rapid.Int32Range(80, 81).Draw(t, "port")
	return gen.Pod(fmt.Sprintf("p%d", i), gen.Labelled("app", "web"), gen.Port("http", number), gen.IP(fmt.Sprintf("10.1.0.%d", i+1)))
}

func change(t *rapid.T, w *looptest.World) {
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0:
		w.Put(drawPod(t, rapid.IntRange(4, 8).Draw(t, "number")))
	case 1:
		fakekubelet.DisturbPods(t, w)
	case 2:
		label := rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "team")
		for _, service := range looptest.All[*ocorev1.Service](w) {
			looptest.Edit(w, "user", service, func(service *ocorev1.Service) { service.Labels = map[string]string{"team": label} })
		}
	case 3:
		for _, service := range looptest.All[*ocorev1.Service](w) {
			looptest.Edit(w, "user", service, func(service *ocorev1.Service) {
				service.Spec.PublishNotReadyAddresses = !service.Spec.PublishNotReadyAddresses
			})
		}
	}
}

func keepsOffHandmadeSlices(_ *looptest.World, write looptest.Write) error {
	if write.Before != nil && write.Before.GetName() == "handmade" {
		return errors.New("that slice was made by hand")
	}
	return nil
}

func listsEveryPod(w *looptest.World) error {
	listed := map[string]int{}
	ours := 0
	for _, slice := range looptest.All[*odiscoveryv1.EndpointSlice](w) {
		if slice.Name == "handmade" {
			continue
		}
		ours++
		for _, e := range slice.Endpoints {
			listed[fmt.Sprintf("%s=%d ready=%t", e.TargetRef.Name, *slice.Ports[0].Port, *e.Conditions.Ready)]++
		}
	}
	if ours == 0 {
		return errors.New("there is no slice at all")
	}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		if pod.Labels["app"] != "web" || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		key := fmt.Sprintf("%s=%d ready=true", pod.Name, pod.Spec.Containers[0].Ports[0].ContainerPort)
		if listed[key] != 1 {
			return fmt.Errorf("%s is listed %d times", key, listed[key])
		}
		delete(listed, key)
	}
	if len(listed) > 0 {
		return fmt.Errorf("there are no pods for %v", listed)
	}
	return nil
}
