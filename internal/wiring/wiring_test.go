package wiring_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// quiet has nobody else log than those whom a test listens to.
var quiet = sync.OnceFunc(func() {
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
})

// ownCluster is one of our API servers, which nothing else acts on.
func ownCluster(t *testing.T) wiring.Cluster {
	t.Helper()
	quiet()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard()})
	return wiring.Cluster{Config: testserver.Config(t, server, identity.Admin), Naming: apis.Kubernetes, Own: true}
}

func TestAnAPIServerOfOursSaysSo(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	if own, err := wiring.IsOwn(c.Config); err != nil || !own {
		t.Errorf("got %t, %v, want true", own, err)
	}
}

func TestAPreviewShowsThePlansOfTheLoopsThatRun(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	preview := func(loops wiring.Loops, word, name string) ([]wiring.Plan, error) {
		p, err := wiring.NewPreview(c, loops)
		if err != nil {
			t.Fatal(err)
		}
		return p.Plans(t.Context(), word, client.ObjectKey{Namespace: "default", Name: name})
	}

	t.Run("those of our kinds, where nothing else is asked for", func(t *testing.T) {
		if _, err := preview(wiring.Loops{}, "namespace", "default"); err == nil || !strings.Contains(err.Error(), "no controller decides") {
			t.Errorf("got %v, want that no controller decides for namespaces", err)
		}
	})
	t.Run("by any word for a kind", func(t *testing.T) {
		for _, word := range []string{"namespace", "namespaces", "ns", "Namespace"} {
			plans, err := preview(wiring.Loops{Cluster: true}, word, "default")
			if err != nil || len(plans) != 3 {
				t.Errorf("%s: got %d plans, %v, want those of three loops", word, len(plans), err)
			}
		}
	})
	t.Run("with the certificates that the cluster is known by", func(t *testing.T) {
		plans, err := preview(wiring.Loops{Cluster: true}, "namespace", "default")
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(plans, func(p wiring.Plan) bool { return p.Loop == "root-ca-certificate-publisher-controller" }); i < 0 || plans[i].Plan.Empty() {
			t.Errorf("the plans are %v, want that the root CA is published", plans)
		}
	})
	t.Run("but not for an object that does not exist", func(t *testing.T) {
		if _, err := preview(wiring.Loops{}, "deployment", "absent"); !apierrors.IsNotFound(err) {
			t.Errorf("got %v, want that it is not found", err)
		}
	})
}

func TestControllersRunAndSayWhenTheyAreReady(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	controllers, err := wiring.NewControllers(c, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	stop := running(t, controllers, func() { close(ready) })
	await.Until(t, "the controllers to be ready", func() (string, bool) {
		select {
		case <-ready:
			return "ready", true
		default:
			return "not ready", false
		}
	})
	set := kubernetes.NewForConfigOrDie(c.Config)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "passing"}}
	if _, err := set.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the namespace has what every namespace has", func() error {
		_, account := set.CoreV1().ServiceAccounts("passing").Get(t.Context(), "default", metav1.GetOptions{})
		_, ca := set.CoreV1().ConfigMaps("passing").Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
		return errors.Join(account, ca)
	})
	if err := stop(); err != nil {
		t.Errorf("a part that was stopped returns %v, want nil", err)
	}
}

// running runs a part until the function that it returns is called, or the test ends.
func running(t *testing.T, part wiring.Part, ready func()) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- wiring.Run(ctx, part, ready) }()
	return func() error { cancel(); return <-ended }
}

func TestAnUnreadableAuthorityIsSaidBeforeAnythingRuns(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.crt")
	_, err := wiring.NewPreview(wiring.Cluster{
		Config: &rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{CAFile: absent}}, Naming: apis.Orrery,
	}, wiring.Loops{Cluster: true})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), absent) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestASchemeHasOurKindsUnderTheNamesOfItsNaming(t *testing.T) {
	for _, naming := range apis.Namings() {
		scheme, err := wiring.Scheme(naming)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range apis.Kinds() {
			if gvk := kind.GroupVersionKind(naming); !scheme.Recognizes(gvk) {
				t.Errorf("under the naming %s the scheme has no %s", naming, gvk)
			}
		}
	}
}

func TestAManagerListsWhatIsCurrentFirst(t *testing.T) {
	set := false
	_, err := wiring.NewManager(wiring.Cluster{Config: &rest.Config{Host: "127.0.0.1:1"}, Naming: apis.Kubernetes, Log: logr.Discard()}, func(o *manager.Options) {
		set = o.Cache.NewInformer != nil
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil }
	})
	if err != nil {
		t.Fatal(err)
	}
	if !set {
		t.Error("the informers are those of client-go, whose first list may be older than what a loop wrote before a restart")
	}
}
