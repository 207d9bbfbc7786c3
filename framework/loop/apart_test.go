package loop_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// shelves is an API server with a Secret in each of two namespaces, which remembers what it is asked for.
type shelves struct {
	mu    sync.Mutex
	asked []string
}

func (s *shelves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path+"?"+query.Get("fieldSelector"))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case query.Get("sendInitialEvents") != "": // an informer lists, then
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonInvalid, Code: http.StatusUnprocessableEntity})
	case query.Get("watch") != "":
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	default:
		list := corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
		for _, namespace := range []string{"here", "there"} {
			if strings.HasSuffix(r.URL.Path, "/"+namespace+"/secrets") || r.URL.Path == "/api/v1/secrets" {
				list.Items = append(list.Items, corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "s", ResourceVersion: "1"}})
			}
		}
		_ = json.NewEncoder(w).Encode(list)
	}
}

// seen tells of a pass which Secrets there are.
type seen chan string

func (s seen) Observe(ctx context.Context, view loop.View, _ *corev1.Secret) (struct{}, error) {
	var secrets corev1.SecretList
	err := view.List(ctx, &secrets)
	for _, secret := range secrets.Items {
		s <- secret.Namespace
	}
	return struct{}{}, err
}

func (seen) Plan(*corev1.Secret, struct{}, time.Time) *plan.Plan { return nil }

func TestALoopAsksForWhatItReadsApartAndForNothingElse(t *testing.T) {
	server := &shelves{}
	listening := httptest.NewServer(server)
	defer listening.Close()
	scheme := websiteScheme()
	mgr, err := manager.New(&rest.Config{Host: listening.URL}, manager.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			mapper := meta.NewDefaultRESTMapper(nil)
			for _, kind := range []string{"Secret", "SecretList"} { // as discovery has them
				mapper.Add(corev1.SchemeGroupVersion.WithKind(kind), meta.RESTScopeNamespace)
			}
			return mapper, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	in, found := cache.Config{FieldSelector: fields.OneTermEqualSelector("type", "example.com/here")}, make(seen, 10)
	apart := loop.New(uniqueName("apart"), found, loop.Apart(&corev1.Secret{}, cache.ByObject{Namespaces: map[string]cache.Config{"here": in}}))
	if err := apart.AddTo(mgr, loop.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	select {
	case namespace := <-found:
		if namespace != "here" {
			t.Errorf("it sees a Secret of the namespace %s", namespace)
		}
	case <-time.After(time.Minute):
		t.Error("it sees no Secret")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	for _, asked := range server.asked {
		if want := "/api/v1/namespaces/here/secrets?type=example.com/here"; asked != want {
			t.Errorf("asked for is %s, want %s", asked, want)
		}
	}
	if len(found) > 0 {
		t.Errorf("it saw %d Secrets more", len(found))
	}
}
