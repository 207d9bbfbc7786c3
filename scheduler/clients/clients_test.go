package clients

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apis"
)

func TestPathsAreTranslatedWhereTheResourceHasTwoNames(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/pods":                                                    "/apis/core.orrery.dev/v1/pods",
		"/api/v1/namespaces/n/pods/web":                                   "/apis/core.orrery.dev/v1/namespaces/n/pods/web",
		"/api/v1/namespaces/n/pods/web/status":                            "/apis/core.orrery.dev/v1/namespaces/n/pods/web/status",
		"/api/v1/persistentvolumes/pv":                                    "/apis/core.orrery.dev/v1/persistentvolumes/pv",
		"/apis/apps/v1/replicasets":                                       "/apis/apps.orrery.dev/v1/replicasets",
		"/apis/storage.k8s.io/v1/storageclasses":                          "/apis/storage.orrery.dev/v1/storageclasses",
		"/apis/scheduling.k8s.io/v1beta1/namespaces/n/podgroups/g":        "/apis/scheduling.orrery.dev/v1beta1/namespaces/n/podgroups/g",
		"/api/v1/namespaces":                                              "",
		"/api/v1/namespaces/pods":                                         "", // a namespace of that name
		"/api/v1/namespaces/n/status":                                     "",
		"/api/v1/namespaces/n/secrets/pods":                               "",
		"/apis/scheduling.k8s.io/v1/priorityclasses":                      "",
		"/apis/coordination.k8s.io/v1/namespaces/n/leases/kube-scheduler": "",
		"/apis/apps/v1":                                                   "",
		"/version":                                                        "",
	} {
		got, renamed := translatePath(path)
		if !renamed {
			got = ""
		}
		if got != want {
			t.Errorf("%s is at %q, want %q", path, got, want)
		}
	}
}

func TestObjectsAreTranslatedWithTheirOwnersAndItems(t *testing.T) {
	for _, test := range []struct {
		name string
		to   apis.Naming
		from string
		want string
	}{
		{
			"an object and its owners", apis.Kubernetes,
			`{"kind":"Pod","apiVersion":"core.orrery.dev/v1","metadata":{"name":"a","ownerReferences":[{"kind":"ReplicaSet","apiVersion":"apps.orrery.dev/v1","uid":"1"},{"kind":"Mine","apiVersion":"example.com/v1","uid":"2"}]},"spec":{"x":12345678901234567890}}`,
			`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","ownerReferences":[{"kind":"ReplicaSet","apiVersion":"apps/v1","uid":"1"},{"kind":"Mine","apiVersion":"example.com/v1","uid":"2"}]},"spec":{"x":12345678901234567890}}`,
		},
		{
			"a list and its items", apis.Kubernetes,
			`{"kind":"PodList","apiVersion":"core.orrery.dev/v1","metadata":{"resourceVersion":"7"},"items":[{"kind":"Pod","apiVersion":"core.orrery.dev/v1"}]}`,
			`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"kind":"Pod","apiVersion":"v1"}]}`,
		},
		{
			"what is written", apis.Orrery,
			`{"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"name":"a"}}`,
			`{"kind":"PersistentVolumeClaim","apiVersion":"core.orrery.dev/v1","metadata":{"name":"a"}}`,
		},
		{"what has one name", apis.Orrery, `{"kind":"Secret","apiVersion":"v1"}`, `{"kind":"Secret","apiVersion":"v1"}`},
		{"a patch, which names no kind", apis.Orrery, `{"spec":{"volumeName":"v"}}`, `{"spec":{"volumeName":"v"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := translateObject([]byte(test.from), test.to)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parsed(t, test.want), parsed(t, string(got))); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

// parsed keeps numbers as they are written.
func parsed(t *testing.T, text string) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAKindThatIsNotServedLooksEmpty(t *testing.T) {
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	}))
	t.Cleanup(server.Close)
	for _, naming := range apis.Namings() {
		t.Run(string(naming), func(t *testing.T) {
			clients, err := New(&rest.Config{Host: server.URL}, &http.Client{Transport: http.DefaultTransport}, naming, clock.RealClock{})
			if err != nil {
				t.Fatal(err)
			}
			claims := clients.Informers.Resource().V1().ResourceClaims().Informer()
			groups := clients.Informers.Scheduling().V1beta1().PodGroups().Informer()
			clients.Informers.StartWithContext(t.Context())
			for kind, synced := range clients.Informers.WaitForCacheSync(t.Context().Done()) {
				if !synced {
					t.Errorf("%s never synced", kind)
				}
			}
			if n := len(claims.GetStore().List()) + len(groups.GetStore().List()); n != 0 {
				t.Errorf("there are %d objects of kinds that are not served", n)
			}
			if _, err := clients.Set.CoreV1().Pods("n").Get(t.Context(), "web", metav1.GetOptions{}); err == nil {
				t.Error("a pod that is not there was found")
			}
		})
	}
}
