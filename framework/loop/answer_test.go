package loop_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var widgets = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}

// deleter deletes every object of a kind that its scheme does not know, of which it reads the metadata only.
type deleter struct{}

func (deleter) Observe(context.Context, loop.View, *metav1.PartialObjectMetadata) (struct{}, error) {
	return struct{}{}, nil
}

func (deleter) Plan(obj *metav1.PartialObjectMetadata, _ struct{}, _ time.Time) *plan.Plan {
	p := plan.New()
	if obj.DeletionTimestamp == nil {
		p.Delete("it is too many", obj)
	}
	return p
}

func TestAnObjectOfAKindOutsideOfTheSchemeIsDeletedThoughFinalizersHoldIt(t *testing.T) {
	requests := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests += r.Method + " " + r.URL.Path + "\n"
		apiVersion, kind := widgets.ToAPIVersionAndKind()
		if r.Method == http.MethodGet {
			kind, apiVersion = "PartialObjectMetadata", "meta.k8s.io/v1"
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"apiVersion": %q, "kind": %q, "metadata": {"namespace": "default", "name": "w", "uid": "1", "finalizers": ["example.com/keep"]}}`, apiVersion, kind)
	}))
	defer server.Close()
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(widgets, meta.RESTScopeNamespace)
	cluster, err := client.New(&rest.Config{Host: server.URL}, client.Options{Scheme: runtime.NewScheme(), Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	prototype := &metav1.PartialObjectMetadata{}
	prototype.SetGroupVersionKind(widgets)
	passes := loop.New("deleter", deleter{}, loop.Of(prototype)).Reconciler(loop.Cluster{Client: cluster})
	if _, err := passes.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "w"}}); err != nil {
		t.Errorf("the pass ends with %v, after\n%s", err, requests)
	}
}
