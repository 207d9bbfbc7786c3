package clients

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/apis"
)

const notFound = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`

// invalid is how a server answers to a watch that is to begin with all objects, if it cannot do that.
const invalid = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`

// shop serves what it has in stock: documents by path. Watches of those stay open, and nothing happens on them.
type shop struct {
	stock atomic.Pointer[map[string]string]
	asked chan string // method and path of each request
}

func (s *shop) open(t *testing.T) *rest.Config {
	t.Helper()
	s.asked = make(chan string, 1000)
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &rest.Config{Host: server.URL}
}

// nextAsked returns the oldest request that was not returned before.
func (s *shop) nextAsked(t *testing.T) string {
	t.Helper()
	select {
	case asked := <-s.asked:
		return asked
	default:
		t.Fatal("the server was not asked")
		return ""
	}
}

// ServeHTTP implements http.Handler.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.asked <- strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body))
	w.Header().Set("Content-Type", "application/json")
	document, served := (*s.stock.Load())[r.URL.Path]
	switch {
	case !served:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, notFound)
	case r.URL.Query().Get("sendInitialEvents") != "":
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, invalid)
	case r.URL.Query().Get("watch") != "":
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	default:
		_, _ = io.WriteString(w, document)
	}
}

func TestAClientThatAPluginBuildsItselfIsTranslatedAndTolerant(t *testing.T) {
	const pod = "/apis/core.orrery.dev/v1/namespaces/n/pods/web"
	s := &shop{}
	s.stock.Store(&map[string]string{pod: `{"kind":"Pod","apiVersion":"core.orrery.dev/v1","metadata":{"name":"web"}}`})
	config := s.open(t)
	clients, err := New(config, &http.Client{Transport: http.DefaultTransport}, apis.Orrery, testingclock.NewFakeClock(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if config.WrapTransport != nil || config.ContentType != "" {
		t.Error("the configuration of the caller was changed")
	}
	own, err := kubernetes.NewForConfig(clients.Config)
	if err != nil {
		t.Fatal(err)
	}
	read, err := own.CoreV1().Pods("n").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || read.Name != "web" {
		t.Errorf("read %v (%v), want the pod", read, err)
	}
	if got, want := s.nextAsked(t), "GET "+pod; got != want {
		t.Errorf("the server was asked %q, want %q", got, want)
	}
	_, err = own.CoreV1().PersistentVolumeClaims("n").Create(t.Context(),
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}}, metav1.CreateOptions{})
	if err == nil {
		t.Error("a claim was created, and the server has none")
	}
	got := s.nextAsked(t)
	for _, want := range []string{"POST /apis/core.orrery.dev/v1/namespaces/n/persistentvolumeclaims", `"apiVersion":"core.orrery.dev/v1"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the server was asked %q, want %q in it", got, want)
		}
	}
	groups, err := own.SchedulingV1beta1().PodGroups("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(groups.Items) != 0 {
		t.Errorf("there are %v (%v) of a kind that is not served", groups, err)
	}
}

// TestAKindThatIsServedLaterIsSeenAfterAMinute covers the clients that the scheduler gives to plugins and the ones that
// plugins build.
func TestAKindThatIsServedLaterIsSeenAfterAMinute(t *testing.T) {
	const path = "/apis/resource.k8s.io/v1/resourceclaims"
	for name, informersOf := range map[string]func(*Clients) (informers.SharedInformerFactory, error){
		"shared": func(c *Clients) (informers.SharedInformerFactory, error) { return c.Informers, nil },
		"their own": func(c *Clients) (informers.SharedInformerFactory, error) {
			own, err := kubernetes.NewForConfig(c.Config)
			return informers.NewSharedInformerFactory(own, 0), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock := &shop{}, testingclock.NewFakeClock(time.Now())
			s.stock.Store(&map[string]string{})
			clients, err := New(s.open(t), &http.Client{Transport: http.DefaultTransport}, apis.Kubernetes, clock)
			if err != nil {
				t.Fatal(err)
			}
			factory, err := informersOf(clients)
			if err != nil {
				t.Fatal(err)
			}
			claims := factory.Resource().V1().ResourceClaims().Informer()
			factory.StartWithContext(t.Context())
			factory.WaitForCacheSync(t.Context().Done())
			eventually(t, "nobody waits for the kind", clock.HasWaiters)
			s.stock.Store(&map[string]string{path: `{"kind":"ResourceClaimList","apiVersion":"resource.k8s.io/v1","metadata":{"resourceVersion":"7"},` +
				`"items":[{"metadata":{"name":"gpu","namespace":"n"}}]}`})
			for len(s.asked) > 0 {
				<-s.asked
			}
			clock.Step(lookAgain - time.Second)
			if !clock.HasWaiters() || len(s.asked) > 0 {
				t.Error("the kind is looked for before a minute has gone")
			}
			clock.Step(time.Second)
			eventually(t, fmt.Sprintf("the claim is not seen after %v", lookAgain), func() bool { return len(claims.GetStore().ListKeys()) == 1 })
		})
	}
}

// eventually looks until a condition holds.
func eventually(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatal(otherwise)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
