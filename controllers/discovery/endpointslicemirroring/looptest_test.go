package endpointslicemirroring_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslicemirroring"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestSlicesConvergeOnTheEndpoints(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme:     scheme,
			Loops:      []loop.Loop{endpointslicemirroring.Loop()},
			Start:      start,
			Change:     change,
			Invariants: []looptest.Invariant{keepsOffOtherSlices},
			Converged:  mirrorsEveryAddress,
		})
	})
}

// start has a Service, its Endpoints, and a slice of another controller.
func start(t *rapid.T) []client.Object {
	other := &odiscoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	other.Name, other.Namespace = "other", gen.Namespace
	other.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	objs := []client.Object{other, drawEndpoints(t)}
	if rapid.Bool().Draw(t, "has a Service") {
		objs = append(objs, drawService(t))
	}
	return objs
}

func drawService(t *rapid.T) *ocorev1.Service {
	service := gen.Service("web")
	if rapid.Bool().Draw(t, "has no selector") {
		service.Spec.Selector = nil
	}
	return service
}

func drawEndpoints(t *rapid.T) *ocorev1.Endpoints {
	endpoints := &ocorev1.Endpoints{}
	endpoints.Name, endpoints.Namespace, endpoints.UID = "web", gen.Namespace, "web"
	if rapid.IntRange(0, 3).Draw(t, "stays alone") == 0 {
		endpoints.Labels = map[string]string{discoveryv1.LabelSkipMirror: "true"}
	}
	endpoints.Subsets = drawSubsets(t)
	return endpoints
}

func drawSubsets(t *rapid.T) []corev1.EndpointSubset {
	var subsets []corev1.EndpointSubset
	for port := range rapid.Int32Range(0, 3).Draw(t, "subsets") {
		subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Port: 80 + port, Protocol: corev1.ProtocolTCP}}}
		for _, ip := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "fd00::1"}), 1, 3, rapid.ID[string]).Draw(t, "addresses") {
			subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: ip})
		}
		subsets = append(subsets, subset)
	}
	return subsets
}

func change(t *rapid.T, w *looptest.World) {
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0:
		subsets := drawSubsets(t)
		for _, endpoints := range looptest.All[*ocorev1.Endpoints](w) {
			looptest.Edit(w, "user", endpoints, func(endpoints *ocorev1.Endpoints) { endpoints.Subsets = subsets })
		}
	case 1:
		for _, endpoints := range looptest.All[*ocorev1.Endpoints](w) {
			looptest.Edit(w, "user", endpoints, func(endpoints *ocorev1.Endpoints) {
				endpoints.Labels = map[string]string{discoveryv1.LabelSkipMirror: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "skips")}
			})
		}
	case 2:
		selector := rapid.SampledFrom([]map[string]string{nil, {"app": "web"}}).Draw(t, "selector")
		for _, service := range looptest.All[*ocorev1.Service](w) {
			looptest.Edit(w, "user", service, func(service *ocorev1.Service) { service.Spec.Selector = selector })
		}
	case 3:
		if services := looptest.All[*ocorev1.Service](w); len(services) > 0 {
			_ = w.Client("user").Delete(t.Context(), services[0])
		} else {
			w.Put(drawService(t))
		}
	}
}

func keepsOffOtherSlices(_ *looptest.World, write looptest.Write) error {
	if write.Before != nil && write.Before.GetName() == "other" {
		return errors.New("that slice is another controller's")
	}
	return nil
}

func mirrorsEveryAddress(w *looptest.World) error {
	want, got := map[string]bool{}, map[string]bool{}
	services := looptest.All[*ocorev1.Service](w)
	for _, endpoints := range looptest.All[*ocorev1.Endpoints](w) {
		if len(services) == 0 || services[0].Spec.Selector != nil || endpoints.Labels[discoveryv1.LabelSkipMirror] == "true" {
			continue
		}
		for _, subset := range endpoints.Subsets {
			for _, a := range subset.Addresses {
				want[fmt.Sprintf("%s:%d", a.IP, subset.Ports[0].Port)] = true
			}
		}
	}
	for _, slice := range looptest.All[*odiscoveryv1.EndpointSlice](w) {
		for _, e := range slice.Endpoints {
			for _, port := range slice.Ports {
				got[fmt.Sprintf("%s:%d", e.Addresses[0], *port.Port)] = true
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the slices do not say what the Endpoints do (-Endpoints +slices):\n%s", diff)
	}
	return nil
}
