package endpoints_test

import (
	"errors"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/core/endpoints"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestEndpointsThatCannotBeWrittenAreAnEvent(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		w := looptest.NewWorld(scheme)
		service := gen.Service("web")
		w.Put(service)
		recorder := events.NewFakeRecorder(10)
		l := endpoints.Loop()
		reconciler := l.Reconciler(loop.Cluster{Client: w.Client(l.Name()), Events: recorder, Clock: w.Clock()})
		pass := func() error {
			_, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(service)})
			return err
		}
		fails := func(want string) {
			t.Helper()
			w.Refuse = func(looptest.Write) error { return errors.New("no space is left") }
			defer func() { w.Refuse = nil }()
			if err := pass(); err == nil {
				t.Fatal("a write that was refused does not fail the pass")
			}
			select {
			case got := <-recorder.Events:
				if got != want {
					t.Errorf("it is told as %q, want %q", got, want)
				}
			default:
				t.Error("it is not told")
			}
		}
		fails("Warning FailedToCreateEndpoint Failed to create endpoint for service default/web: no space is left")
		w.Step(time.Minute) // a write that failed so may have had an effect, and is looked for first
		if err := pass(); err != nil {
			t.Fatal(err)
		}
		looptest.Edit(w, "user", gen.Service("web"), func(service *ocorev1.Service) { service.Labels = map[string]string{"team": "blue"} })
		fails("Warning FailedToUpdateEndpoint Failed to update endpoint default/web: no space is left")
	})
}
