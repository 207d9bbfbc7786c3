package controllers_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

func TestEveryRoomIsInTheTableOnce(t *testing.T) {
	var listed []string
	for _, e := range controllers.All(controllers.Options{}) {
		listed = append(listed, e.Room)
	}
	slices.Sort(listed)
	if diff := cmp.Diff(rooms(t), listed); diff != "" {
		t.Errorf("rooms that are there (-) and in the table (+):\n%s", diff)
	}
}

func TestNoTwoLoopsHaveOneName(t *testing.T) {
	seen := map[string]string{}
	for _, e := range controllers.All(controllers.Options{}) {
		if other, ok := seen[e.Loop.Name()]; ok {
			t.Errorf("the loops of %s and %s are both called %s", other, e.Room, e.Loop.Name())
		}
		seen[e.Loop.Name()] = e.Room
	}
}

// forPods are rooms of loops over pods for which they write, or read, what has one name on every cluster and is of no use where nobody
// looks after it.
var forPods = []string{"resource/devicetainteviction", "resource/podresourceclaim"}

// What is a kind of package apis is a custom resource under the Orrery naming; anything else is the cluster's.
func TestALoopOfOurKindsIsOneWhoseKindIsOneOfApis(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	for _, e := range controllers.All(controllers.Options{}) {
		l := e.Loop
		if l.Object() == nil {
			continue // it decides for groups of objects, and its name does not say of which
		}
		gvk, err := apiutil.GVKForObject(l.Object(), scheme)
		if err != nil {
			t.Fatal(err)
		}
		want := []controllers.Scope{controllers.ClusterKinds, controllers.ClusterKeys, controllers.ClusterAuthority}
		if isOurs(gvk) && !slices.Contains(forPods, e.Room) {
			want = []controllers.Scope{controllers.OurKinds}
		}
		if !slices.Contains(want, e.Scope) {
			t.Errorf("%s decides for %s: the scope is %s, want one of %s", e.Room, gvk.Kind, e.Scope, want)
		}
	}
}

func isOurs(gvk schema.GroupVersionKind) bool {
	return slices.ContainsFunc(apis.Kinds(), func(k apis.Kind) bool { return k.GroupVersionKind(apis.Kubernetes) == gvk })
}

// rooms are the folders GROUP/KIND that hold more than tests.
func rooms(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("*/*/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, doc := range docs {
		room := filepath.ToSlash(filepath.Dir(doc))
		if strings.HasPrefix(room, "internal/") {
			continue
		}
		if _, err := os.Stat(filepath.Join(room, "controller.go")); err != nil {
			t.Errorf("controllers/%s has a doc.go and no controller.go: %v", room, err)
		}
		found = append(found, room)
	}
	return found
}
