package endpointslice_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/discovery/endpointslice"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestASliceThatCannotBeWrittenIsAnEventOfItsService(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := looptest.NewWorld(scheme)
		w.Put(gen.Service("web", gen.TargetPort("http")), gen.Node("node", gen.InZone("zone")))
		recorder := events.NewFakeRecorder(10)
		l := endpointslice.Loop()
		reconciler := l.Reconciler(loop.Cluster{Client: w.Client(l.Name()), Events: recorder, Clock: w.Clock()})
		pass := func() error {
			key := client.ObjectKeyFromObject(looptest.All[*ocorev1.Service](w)[0])
			_, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
			return err
		}
		refuse := func(looptest.Write) error { return errors.New("no space is left") }
		fails := func(verb string) {
			t.Helper()
			w.Refuse = refuse
			defer func() { w.Refuse = nil }()
			if err := pass(); err == nil {
				t.Fatalf("a %s that was refused does not fail the pass", verb)
			}
			const want = "Warning FailedToUpdateEndpointSlices Error updating Endpoint Slices for Service default/web: "
			select {
			case got := <-recorder.Events:
				if !strings.HasPrefix(got, want) {
					t.Errorf("a %s that was refused is told as %q, want %q", verb, got, want)
				}
			default:
				t.Errorf("a %s that was refused is not told", verb)
			}
		}
		fails("create")
		w.Step(time.Minute) // a write that failed so may have had an effect, and is looked for first
		if err := pass(); err != nil {
			t.Fatal(err)
		}
		looptest.Edit(w, "user", gen.Service("web"), func(service *ocorev1.Service) { service.Labels = map[string]string{"team": "blue"} })
		fails("patch")
	})
}
