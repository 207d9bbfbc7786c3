package endpointslicemirroring_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslicemirroring"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestWhatIsLeftOutIsAnEventOfTheEndpoints(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		service := gen.Service("web")
		service.Spec.Selector = nil
		endpoints := &ocorev1.Endpoints{Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "nonsense"}}}}}
		endpoints.Name, endpoints.Namespace = "web", gen.Namespace
		for i := range 1002 {
			endpoints.Subsets[0].NotReadyAddresses = append(endpoints.Subsets[0].NotReadyAddresses, corev1.EndpointAddress{IP: fmt.Sprintf("10.0.%d.%d", i/200, i%200)})
		}
		w := looptest.NewWorld(scheme)
		w.Put(service, endpoints)
		recorder := events.NewFakeRecorder(10)
		l := endpointslicemirroring.Loop()
		reconciler := l.Reconciler(loop.Cluster{Client: w.Client(l.Name()), Events: recorder, Clock: w.Clock()})
		if _, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(endpoints)}); err != nil {
			t.Fatal(err)
		}
		close(recorder.Events)
		var got []string
		for event := range recorder.Events {
			got = append(got, event)
		}
		want := []string{
			"Warning InvalidIPAddress Skipped 1 invalid IP addresses when mirroring to EndpointSlices",
			"Warning TooManyAddressesToMirror A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
