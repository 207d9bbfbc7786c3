package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
	"github.com/orrery-dev/orrery/internal/cli/printer"
)

// anAPI serves one Event, and another one to who watches.
func anAPI(t *testing.T) kubernetes.Interface {
	t.Helper()
	event := func(name string, at time.Time, version int) string {
		return fmt.Sprintf(`{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":%q,"namespace":"default","resourceVersion":"%d"},
			"eventTime":%q,"reportingController":"kubelet","reason":"Started","note":%q,"type":"Normal","regarding":{"kind":"Pod","namespace":"default","name":"web"}}`,
			name, version, at.Format("2006-01-02T15:04:05.000000Z07:00"), name)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			_, _ = fmt.Fprintf(w, `{"kind":"EventList","apiVersion":"events.k8s.io/v1","metadata":{"resourceVersion":"7"},"items":[%s]}`, event("first", noon.Add(2*time.Second), 6))
			return
		}
		if got := r.URL.Query().Get("resourceVersion"); got != "7" {
			t.Errorf("watched from %s, want from where the list ends", got)
		}
		_, _ = fmt.Fprintf(w, `{"type":"ADDED","object":%s}`, event("second", noon.Add(9*time.Second), 8))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// anInstance serves a journal until the test, or who calls end, ends it.
func anInstance(t *testing.T) (inst *instance.Instance, kept *journal.Journal, end func()) {
	t.Helper()
	inst, err := instance.Open(t.TempDir(), "orrery")
	if err != nil {
		t.Fatal(err)
	}
	if err := inst.Prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	kept = &journal.Journal{}
	served := make(chan error, 1)
	go func() {
		served <- inst.Serve(ctx, func() instance.Status { return instance.Status{} }, instance.Handlers{journal.Path: kept})
	}()
	await.Success(t, "the instance answers", func() error {
		_, err := inst.Status(t.Context())
		return err
	})
	end = func() {
		stop()
		if err, open := <-served; open && err != nil {
			t.Error(err)
		}
		close(served)
	}
	return inst, kept, end
}

func step(second int, plan string) journal.Entry {
	return journal.Entry{At: noon.Add(time.Duration(second) * time.Second), Loop: "replicaset-controller", Of: "ReplicaSet", Key: "default/web", Plan: plan}
}

func TestTheStreamIsInOrderAndGoesOnWhereThePastEnds(t *testing.T) {
	inst, kept, end := anInstance(t)
	defer end()
	kept.Add(step(1, "create Pod default/web: it is missing"))
	kept.Add(step(3, "status ReplicaSet default/web"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var told []string
	err := Stream(ctx, []Source{OfPlans(inst), OfAPI(anAPI(t), "")}, Filter{}, true, func(e Event) error {
		told = append(told, e.Says)
		if len(told) == 3 {
			kept.Add(step(10, "delete Pod default/web: one is too many"))
		}
		if len(told) == 5 {
			stop()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	past := []string{"create Pod default/web: it is missing", "Started: first", "status ReplicaSet default/web"}
	if diff := cmp.Diff(past, told[:3]); diff != "" {
		t.Errorf("the past (-want +got):\n%s", diff)
	}
	live := strings.Join(told[3:], ", ")
	if live != "Started: second, delete Pod default/web: one is too many" && live != "delete Pod default/web: one is too many, Started: second" {
		t.Errorf("after that it tells %s", live)
	}
}

func TestTheStreamEndsWithTheInstance(t *testing.T) {
	inst, kept, end := anInstance(t)
	kept.Add(step(1, "create Pod default/web: it is missing"))
	ended := make(chan struct{})
	err := Stream(t.Context(), []Source{OfPlans(inst)}, Filter{}, true, func(Event) error {
		go func() {
			defer close(ended)
			end()
		}()
		return nil
	})
	<-ended
	if err == nil || !strings.Contains(err.Error(), "instance orrery") {
		t.Errorf("got %v, want that the instance has ended", err)
	}
}

func TestAReaderThatIsGoneEndsTheStream(t *testing.T) {
	inst, kept, end := anInstance(t)
	defer end()
	broken := errors.New("broken pipe")
	read := 0
	err := Stream(t.Context(), []Source{OfPlans(inst), OfAPI(anAPI(t), "")}, Filter{}, true, func(Event) error {
		if read++; read == 1 {
			kept.Add(step(10, "delete Pod default/web: one is too many"))
			return nil
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want what the reader said", err)
	}
}

func TestLinesForPeopleAndForPrograms(t *testing.T) {
	e := Event{At: noon, Who: "kubelet", Source: "api", Object: Object{"Pod", "default", "web"}, Says: "BackOff: a < b", Reason: "BackOff", Warning: true}
	all := Event{At: noon, Who: "proxy", Source: "plan", Says: "write the table"}
	for format, want := range map[printer.Format]string{
		printer.Tabular: noon.Local().Format(time.TimeOnly) + "  kubelet     Pod default/web       BackOff: a < b\n" +
			noon.Local().Format(time.TimeOnly) + "  proxy       -                     write the table\n",
		printer.JSON: `{"at":"2026-01-01T12:00:00Z","who":"kubelet","source":"api","object":{"kind":"Pod","namespace":"default","name":"web"},"says":"BackOff: a < b","reason":"BackOff","warning":true}` + "\n" +
			`{"at":"2026-01-01T12:00:00Z","who":"proxy","source":"plan","says":"write the table"}` + "\n",
	} {
		var out bytes.Buffer
		p := NewPrinter(&out, format)
		if err := errors.Join(p.Print(e), p.Print(all)); err != nil || out.String() != want {
			t.Errorf("%q prints\n%swant\n%s%v", format, &out, want, err)
		}
	}
}
