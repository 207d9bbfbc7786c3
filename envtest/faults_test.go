package envtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
)

// server answers every request with a pod, and a watch with nothing until its client goes. It counts the requests that reached it.
type server struct {
	config  *rest.Config
	reached atomic.Int32
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.reached.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") != "" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"}}`)
	}))
	t.Cleanup(http.Close)
	s.config = &rest.Config{Host: http.URL, QPS: -1}
	return s
}

// pods are those of a namespace, as a client of a name asks for them.
func pods(t *testing.T, f *envtest.Faults, config *rest.Config, names ...string) func(namespace string) (create, get func() error) {
	t.Helper()
	set, err := kubernetes.NewForConfig(f.Config(config, names...))
	if err != nil {
		t.Fatal(err)
	}
	return func(namespace string) (create, get func() error) {
		return func() error {
				_, err := set.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{}, metav1.CreateOptions{})
				return err
			}, func() error {
				_, err := set.CoreV1().Pods(namespace).Get(t.Context(), "web", metav1.GetOptions{})
				return err
			}
	}
}

func TestARequestMeetsTheFaultOfTheRuleThatIsAboutIt(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   envtest.Fault
		is      func(error) bool
		reaches int32
	}{
		"a conflict":             {envtest.Conflict(), apierrors.IsConflict, 0},
		"throttling":             {envtest.TooManyRequests(0), apierrors.IsTooManyRequests, 0},
		"an internal error":      {envtest.InternalError(), apierrors.IsInternalError, 0},
		"a refusal of one's own": {envtest.Refused(apierrors.NewGone("it is over")), apierrors.IsGone, 0},
		"a request that is lost": {envtest.RequestLost(), broken, 0},
		"an answer that is lost": {envtest.AnswerLost(), broken, 1},
		"a write that timed out": {envtest.TimedOut(), apierrors.IsTimeout, 1},
		"an answer that is late": {envtest.Latency(time.Millisecond), func(err error) bool { return err == nil }, 1},
		"nothing, by its own fault": {func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			return send(r)
		}, func(err error) bool { return err == nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := newServer(t), envtest.NewFaults(1)
			create, get := pods(t, f, s.config, "tester")("default")
			end := f.Inject(envtest.Rule{On: envtest.Requests{Verbs: []string{"create"}, Resources: []string{"pods"}}, Fault: tt.fault})
			if err := create(); !tt.is(err) || s.reached.Load() != tt.reaches {
				t.Errorf("got %v, and %d requests reached the server, want %d", err, s.reached.Load(), tt.reaches)
			}
			if err := get(); err != nil {
				t.Errorf("another request met it: %v", err)
			}
			end()
			if err := create(); err != nil {
				t.Errorf("after its end: %v", err)
			}
		})
	}
}

func broken(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestARuleIsAboutSomeRequestsOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		on   envtest.Requests
		want bool
	}{
		"all":                           {envtest.Requests{}, true},
		"those of the client":           {envtest.Requests{Clients: []string{"loop"}}, true},
		"those of what it is a part of": {envtest.Requests{Clients: []string{"manager"}}, true},
		"those of another client":       {envtest.Requests{Clients: []string{"scheduler"}}, false},
		"another verb":                  {envtest.Requests{Verbs: []string{"get", "list"}}, false},
		"any write":                     {envtest.Requests{Verbs: envtest.Writes()}, true},
		"another resource":              {envtest.Requests{Resources: []string{"pods/status", "nodes"}}, false},
		"all that pods have":            {envtest.Requests{Resources: []string{"pods/*"}}, true},
		"another namespace":             {envtest.Requests{Namespaces: []string{"kube-system"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := newServer(t), envtest.NewFaults(1)
			create, _ := pods(t, f, s.config, "loop", "manager")("default")
			f.Inject(envtest.Rule{On: tt.on, Fault: envtest.RequestLost()})
			if err := create(); (err != nil) != tt.want {
				t.Errorf("a create of a pod in default ends with %v", err)
			}
			if n := f.Count(tt.on); (n == 1) != tt.want {
				t.Errorf("it is counted %d times", n)
			}
		})
	}
}

func TestARuleCountsAndThrowsDice(t *testing.T) {
	meets := func(r envtest.Rule, seed uint64) string {
		s, f := newServer(t), envtest.NewFaults(seed)
		create, _ := pods(t, f, s.config, "tester")("default")
		r.Fault = envtest.RequestLost()
		f.Inject(r)
		met := ""
		for range 12 {
			if create() != nil {
				met += "x"
			} else {
				met += "."
			}
		}
		return met
	}
	if got := meets(envtest.Rule{After: 2, Times: 3}, 1); got != "..xxx......." {
		t.Errorf("after 2, 3 times: %s", got)
	}
	once, again, other := meets(envtest.Rule{Chance: 0.5}, 1), meets(envtest.Rule{Chance: 0.5}, 1), meets(envtest.Rule{Chance: 0.5}, 2)
	if once != again || once == other {
		t.Errorf("seed 1 throws %s and %s, seed 2 %s: want the same for the same seed", once, again, other)
	}
}

func TestWatchesBreakOff(t *testing.T) {
	for name, cut := range map[string]func(*envtest.Faults){
		"when they are cut":        func(f *envtest.Faults) { f.CutWatches("tester") },
		"when their client is":     func(f *envtest.Faults) { f.Cut("tester") },
		"when everybody is":        func(f *envtest.Faults) { f.Cut() },
		"by a rule, after a while": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s, f := newServer(t), envtest.NewFaults(1)
			set := kubernetes.NewForConfigOrDie(f.Config(s.config, "tester"))
			if cut == nil {
				f.Inject(envtest.Rule{On: envtest.Requests{Verbs: []string{"watch"}}, Fault: envtest.CutAfter(time.Millisecond)})
			}
			w, err := set.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if cut != nil {
				cut(f)
			}
			await.Until(t, "the end of the watch", func() (string, bool) {
				select {
				case _, ok := <-w.ResultChan():
					return fmt.Sprint("open: ", ok), !ok
				default:
					return "nothing", false
				}
			})
		})
	}
}

func TestNothingGetsThroughFromWhoIsCutOff(t *testing.T) {
	s, f := newServer(t), envtest.NewFaults(1)
	_, mine := pods(t, f, s.config, "loop", "manager")("default")
	_, others := pods(t, f, s.config, "scheduler")("default")
	f.Cut("manager")
	if err := mine(); !broken(err) || s.reached.Load() != 0 {
		t.Errorf("got %v, and %d requests reached the server", err, s.reached.Load())
	}
	if err := others(); err != nil {
		t.Errorf("another client: %v", err)
	}
	f.Mend("manager")
	if err := mine(); err != nil {
		t.Errorf("after Mend: %v", err)
	}
}

func TestAComponentIsKilledAndStartsAnew(t *testing.T) {
	begun := make(chan *kubernetes.Clientset, 2)
	ended := make(chan error, 2)
	te := &envtest.Environment{Faults: envtest.NewFaults(1), Components: []envtest.Component{{
		Name: "stargazer", Identity: identity.Admin,
		Run: func(ctx context.Context, config *rest.Config) error {
			begun <- kubernetesOrPanic(config)
			<-ctx.Done()
			_, err := kubernetesOrPanic(config).CoreV1().Namespaces().Get(context.WithoutCancel(ctx), "default", metav1.GetOptions{})
			ended <- err
			return err
		},
	}}}
	start(t, te)
	<-begun
	if err := te.Restart("stargazer"); err == nil {
		t.Error("what runs was started again")
	}
	if err := te.Kill("stargazer"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !broken(err) {
		t.Errorf("its last request ends with %v, want a broken connection", err)
	}
	if err := te.Kill("stargazer"); err == nil {
		t.Error("what was killed was killed again")
	}
	if err := te.Restart("stargazer"); err != nil {
		t.Fatal(err)
	}
	if _, err := (<-begun).CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Errorf("it reaches nothing when it has been started again: %v", err)
	}
}
