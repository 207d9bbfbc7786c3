package openapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emicklei/go-restful/v3"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiopenapi "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/handler3"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"
)

// container has the routes of two kinds.
func container() *restful.Container {
	c := restful.NewContainer()
	for _, kind := range []struct {
		root, path, operation string
		sample                any
	}{
		{"/api/v1", "/namespaces/{namespace}/pods/{name}", "readCoreV1NamespacedPod", corev1.Pod{}},
		{"/apis/apps/v1", "/namespaces/{namespace}/deployments/{name}", "readAppsV1NamespacedDeployment", appsv1.Deployment{}},
	} {
		service := new(restful.WebService).Path(kind.root)
		service.Route(service.GET(kind.path).To(func(*restful.Request, *restful.Response) {}).
			Operation(kind.operation).Returns(http.StatusOK, "OK", kind.sample).Writes(kind.sample).
			Param(service.PathParameter("name", "its name")).Param(service.PathParameter("namespace", "where it is")))
		c.Add(service)
	}
	return c
}

func configs() (*common.Config, *common.OpenAPIV3Config) {
	namer := apiopenapi.NewDefinitionNamer(scheme.Scheme)
	return genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer),
		genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
}

func served(d *documents) http.Handler {
	paths := mux.NewPathRecorderMux("test")
	d.install(paths)
	return paths
}

func get(t *testing.T, from http.Handler, url string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	from.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, url, nil))
	return answer
}

// parsed is the answer's document.
func parsed(t *testing.T, answer *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("got %d, %v: %s", answer.Code, err, answer.Body)
	}
	return document
}

func index(t *testing.T, from http.Handler) map[string]handler3.OpenAPIV3DiscoveryGroupVersion {
	t.Helper()
	var index handler3.OpenAPIV3Discovery
	if err := json.Unmarshal(get(t, from, v3Path).Body.Bytes(), &index); err != nil {
		t.Fatal(err)
	}
	return index.Paths
}

func TestDocumentsAreThoseThatUpstreamBuildsAtItsStart(t *testing.T) {
	v2, v3 := configs()
	ours := served(newDocuments(container(), v2, v3))

	v2, v3 = configs()
	upstream := mux.NewPathRecorderMux("upstream")
	routes.OpenAPI{Config: v2}.InstallV2(container(), upstream)
	routes.OpenAPI{V3Config: v3}.InstallV3(container(), upstream)

	if diff := cmp.Diff(parsed(t, get(t, upstream, v2Path)), parsed(t, get(t, ours, v2Path))); diff != "" {
		t.Errorf("version 2 (-upstream +ours):\n%s", diff)
	}
	of := index(t, upstream)
	if len(of) != 2 || len(index(t, ours)) != len(of) {
		t.Errorf("there are documents of %v, upstream has %v", index(t, ours), of)
	}
	for group, document := range index(t, ours) {
		want := parsed(t, get(t, upstream, of[group].ServerRelativeURL))
		if diff := cmp.Diff(want, parsed(t, get(t, ours, document.ServerRelativeURL))); diff != "" {
			t.Errorf("%s (-upstream +ours):\n%s", group, diff)
		}
	}
}

func TestADocumentMayBeKeptByWhoAsksByItsHash(t *testing.T) {
	ours := served(newDocuments(container(), new(common.Config), func() *common.OpenAPIV3Config { _, v3 := configs(); return v3 }()))
	const path = v3Path + "/apis/apps/v1"
	url := index(t, ours)["apis/apps/v1"].ServerRelativeURL
	for name, c := range map[string]struct {
		url, location string
		code          int
		kept          bool
	}{
		"asked for by its hash, it may be kept":           {url: url, code: http.StatusOK, kept: true},
		"asked for without one, it may not":               {url: path, code: http.StatusOK},
		"asked for by another, it is elsewhere by now":    {url: path + "?hash=OTHER", code: http.StatusMovedPermanently, location: url},
		"that of an API version that is not there is 404": {url: v3Path + "/apis/apps/v2", code: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(t, ours, c.url)
			if answer.Code != c.code || answer.Header().Get("Location") != c.location {
				t.Errorf("got %d, %q, want %d, %q", answer.Code, answer.Header().Get("Location"), c.code, c.location)
			}
			if kept := strings.Contains(answer.Header().Get("Cache-Control"), "immutable"); kept != c.kept {
				t.Errorf("it may be kept: %t, want %t", kept, c.kept)
			}
		})
	}
}

func TestTheHashIsAnotherWhereOtherRoutesAre(t *testing.T) {
	v2, v3 := configs()
	all := container()
	before := newDocuments(all, v2, v3).hash()
	if again := newDocuments(container(), v2, v3).hash(); again != before {
		t.Errorf("the same routes have the hashes %s and %s", before, again)
	}
	more := new(restful.WebService).Path("/apis/batch/v1")
	more.Route(more.GET("/jobs").To(func(*restful.Request, *restful.Response) {}))
	all.Add(more)
	if newDocuments(all, v2, v3).hash() == before {
		t.Error("with more routes it is the same")
	}
}

func TestADocumentIsForgottenWhenNobodyHasAskedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v2, v3 := configs()
		d := newDocuments(container(), v2, v3)
		ours := served(d)
		count := func() int {
			synctest.Wait()
			d.mutex.Lock()
			defer d.mutex.Unlock()
			return len(d.built)
		}
		if n := count(); n != 0 {
			t.Errorf("%d are built before anybody has asked", n)
		}
		passes := func(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // on the bubble's clock
		get(t, ours, v3Path+"/api/v1")
		passes(keep - time.Second)
		get(t, ours, v3Path+"/api/v1")
		passes(keep - time.Second)
		if n := count(); n != 1 {
			t.Errorf("%d are kept while it is asked for, want 1", n)
		}
		passes(time.Second)
		if n := count(); n != 0 {
			t.Errorf("%d are kept after a while", n)
		}
	})
}
