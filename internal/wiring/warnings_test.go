package wiring

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/apis"
)

func TestLoopsLogNoWarningsOfTheServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Warning", `299 - "v1 Endpoints is deprecated"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion": "v1", "kind": "EndpointsList", "items": []}`))
	}))
	defer server.Close()
	var warnings atomic.Int32
	klog.SetLogger(funcr.New(func(_, args string) {
		if strings.Contains(args, "deprecated") {
			warnings.Add(1)
		}
	}, funcr.Options{}))
	defer klog.ClearLogger()

	config := &rest.Config{Host: server.URL}
	mgr, err := NewManager(Cluster{Config: config, Naming: apis.Kubernetes, Log: logr.Discard()}, func(o *manager.Options) {
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil }
	})
	if err != nil {
		t.Fatal(err)
	}
	own, err := newIdentities(func(string) (*rest.Config, error) { return config, nil }, nil).as(mgr, "endpoints-controller")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config *rest.Config
		want   int32
	}{
		{"somebody else", config, 1},
		{"the cache that loops share", mgr.GetConfig(), 0},
		{"a loop itself", own.GetConfig(), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			warnings.Store(0)
			if _, err := kubernetes.NewForConfigOrDie(test.config).CoreV1().Endpoints("").List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := warnings.Load(); got != test.want {
				t.Errorf("%d warnings were logged, want %d", got, test.want)
			}
		})
	}
}
