package tree

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/cli/objects"
)

// answers are what a server says to a path; to all others it says that there is nothing.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	answer, known := a[r.URL.Path]
	switch {
	case !known:
		w.WriteHeader(http.StatusNotFound)
		answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"there is no such thing"}`
	case answer == "":
		w.WriteHeader(http.StatusForbidden)
		answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"secrets are secret"}`
	}
	_, _ = fmt.Fprint(w, answer)
}

func object(version, kind, name, uid, owner string) string {
	owners := ""
	if owner != "" {
		kind, name, _ := strings.Cut(owner, "/")
		owners = fmt.Sprintf(`,"ownerReferences":[{"apiVersion":"v1","kind":%q,"name":%q,"uid":%q,"controller":true}]`, kind, name, "uid-"+name)
	}
	return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"shop","uid":%q%s}}`, version, kind, name, uid, owners)
}

// aShop is a cluster in which the ConfigMap "till" belongs to one that is gone and owns a pod, and secrets may not be listed.
func aShop(t *testing.T) Ground {
	t.Helper()
	resource := func(name, kind string) string {
		return fmt.Sprintf(`{"name":%q,"singularName":"","namespaced":true,"kind":%q,"verbs":["get","list"]}`, name, kind)
	}
	till, pod := object("v1", "ConfigMap", "till", "uid-till", "ConfigMap/house"), object("v1", "Pod", "clerk", "uid-clerk", "ConfigMap/till")
	other := object("v1", "Pod", "guest", "uid-guest", "")
	list := func(items ...string) string {
		return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[` + strings.Join(items, ",") + `]}`
	}
	server := httptest.NewServer(answers{
		"/api":  `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis": `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		"/api/v1": `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[` + strings.Join([]string{
			resource("pods", "Pod"), resource("secrets", "Secret"), resource("configmaps", "ConfigMap"), resource("ghosts", "Ghost"),
		}, ",") + `]}`,
		"/api/v1/namespaces/shop/pods":            list(pod, other),
		"/api/v1/namespaces/shop/secrets":         "",
		"/api/v1/namespaces/shop/configmaps":      list(till),
		"/api/v1/namespaces/shop/configmaps/till": till,
		"/api/v1/namespaces/shop/pods/clerk":      pod,
		"/api/v1/namespaces/shop/pods/guest":      other,
	})
	t.Cleanup(server.Close)
	finder, err := objects.New(&rest.Config{Host: server.URL}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return Ground{Finder: finder, Canonical: func(k schema.GroupKind) schema.GroupKind { return k }}
}

func TestATreeGrowsWhereNotAllCanBeSeen(t *testing.T) {
	shop := aShop(t)
	kind, err := shop.Kind("configmap")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := shop.Grow(t.Context(), kind, "shop", "till")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := picture(tree), "ConfigMap/house\n└─ConfigMap/till\n  └─Pod/clerk\n"; got != want {
		t.Errorf("the tree is\n%swant\n%s", got, want)
	}
	if owner := tree.Owners[0]; owner.Status != gone {
		t.Errorf("the owner that is gone is %s", owner.Status)
	}
	if len(tree.Unseen) != 1 || !strings.Contains(tree.Unseen[0], "listing secrets") {
		t.Errorf("unseen are %q, want the secrets, and not the kind that has gone away", tree.Unseen)
	}
	if _, err := shop.Grow(t.Context(), kind, "shop", "nowhere"); err == nil || !strings.Contains(err.Error(), "ConfigMap shop/nowhere") {
		t.Errorf("of an object that is not there it says %v", err)
	}
}

func TestAFamily(t *testing.T) {
	shop := aShop(t)
	kind, err := shop.Kind("configmap")
	if err != nil {
		t.Fatal(err)
	}
	family, err := shop.Family(t.Context(), kind, "shop", "till")
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[member]bool{
		{"ConfigMap", "shop", "till"}: true, {"Pod", "shop", "clerk"}: true,
		{"Pod", "shop", "guest"}: false, {"Pod", "shop", "nobody"}: false, {"Pod", "market", "clerk"}: false, {"Moon", "shop", "clerk"}: false,
	} {
		if got := family.Has(t.Context(), of.kind, of.namespace, of.name); got != want {
			t.Errorf("%v belongs to it: %t, want %t", of, got, want)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if !family.Has(over, "Pod", "shop", "clerk") {
		t.Error("what belonged to it once does not any more, when it cannot be asked for")
	}
}

func TestAnEndOfTimeIsSaidInWords(t *testing.T) {
	if got := reason(fmt.Errorf("listing pods: %w", context.DeadlineExceeded)); !strings.Contains(got, "--timeout") {
		t.Errorf("got %q, want what to do", got)
	}
}
