package kinds

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/wiring"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	// Kubernetes' defaults.
	_ "k8s.io/kubernetes/pkg/controlplane"
)

// names are one client for each naming.
type names struct{ kubernetes, orrery client.Client }

func TestEveryKindLivesUnderBothNames(t *testing.T) {
	both := start(t)
	samples := samples(t)
	for _, k := range apis.Kinds() {
		t.Run(k.Kind, func(t *testing.T) {
			sample := samples[k.GroupVersionKind(apis.Orrery)]
			if sample == nil {
				t.Fatalf("config/samples has no %s", k.Kind)
			}
			created := sample.DeepCopyObject().(client.Object)
			created.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			if err := both.kubernetes.Create(t.Context(), created); err != nil {
				t.Fatalf("creating it under the kubernetes naming: %v", err)
			}
			key := client.ObjectKeyFromObject(created)

			seen := get(t, both.orrery, k, key)
			if diff := cmp.Diff(content(t, k, created), content(t, k, seen)); diff != "" {
				t.Errorf("created under the kubernetes naming (-), seen under the orrery naming (+):\n%s", diff)
			}

			seen.SetLabels(map[string]string{"changed": "yes"})
			if err := both.orrery.Update(t.Context(), seen); err != nil {
				t.Fatalf("changing it under the orrery naming: %v", err)
			}
			changed := get(t, both.kubernetes, k, key)
			if changed.GetLabels()["changed"] != "yes" || changed.GetResourceVersion() != seen.GetResourceVersion() {
				t.Errorf("the kubernetes naming has the labels %v at %s, want the change at %s",
					changed.GetLabels(), changed.GetResourceVersion(), seen.GetResourceVersion())
			}

			list := k.NewList().(client.ObjectList)
			if err := both.kubernetes.List(t.Context(), list, client.MatchingLabels{"changed": "yes"}); err != nil {
				t.Errorf("listing under the kubernetes naming: %v", err)
			}
			if n := reflect.ValueOf(list).Elem().FieldByName("Items").Len(); n != 1 {
				t.Errorf("the list has %d objects, want 1", n)
			}

			if err := both.kubernetes.Delete(t.Context(), changed); err != nil {
				t.Fatalf("deleting it: %v", err)
			}
			left := k.New().(client.Object)
			err := both.orrery.Get(t.Context(), key, left)
			// What has a finalizer waits for a controller, which does not run here.
			if waits := err == nil && left.GetDeletionTimestamp() != nil; !waits && !apierrors.IsNotFound(err) {
				t.Errorf("after its deletion, reading it under the orrery naming: %v, want that it is not found", err)
			}
		})
	}
}

// start starts a server that serves every kind under both names.
func start(t *testing.T) names {
	t.Helper()
	server := testserver.Start(t, apiserver.Options{
		Ephemeral:    true,
		TwoNames:     true,
		FeatureGates: map[string]bool{"GenericWorkload": true},
		Flags:        []string{"--runtime-config=scheduling.k8s.io/v1beta1=true"},
	})
	both := names{newClient(t, server, apis.Kubernetes), newClient(t, server, apis.Orrery)}
	testserver.CreateServiceAccount(t, kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin)))
	return both
}

func newClient(t *testing.T, server *apiserver.Server, n apis.Naming) client.Client {
	t.Helper()
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: newScheme(t, n)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newScheme(t *testing.T, n apis.Naming) *runtime.Scheme {
	t.Helper()
	scheme, err := wiring.Scheme(n)
	if err != nil {
		t.Fatal(err)
	}
	return scheme
}

// samples returns config/samples by kind. What has a namespace is in the default one.
func samples(t *testing.T) map[schema.GroupVersionKind]client.Object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "config", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(newScheme(t, apis.Orrery)).UniversalDeserializer()
	namespaced := map[schema.GroupVersionKind]bool{}
	for _, k := range apis.Kinds() {
		namespaced[k.GroupVersionKind(apis.Orrery)] = k.Scope == apis.Namespaced
	}
	found := map[schema.GroupVersionKind]client.Object{}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		obj, gvk, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		sample := obj.(client.Object)
		if namespaced[*gvk] {
			sample.SetNamespace("default")
		}
		found[*gvk] = sample
	}
	return found
}

func get(t *testing.T, c client.Client, k apis.Kind, key client.ObjectKey) client.Object {
	t.Helper()
	obj := k.New().(client.Object)
	if err := c.Get(t.Context(), key, obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

// content is what Kubernetes understands an object to hold: with the defaults that it gives
// whenever it reads one, and without what differs between the namings by design.
func content(t *testing.T, k apis.Kind, obj client.Object) map[string]any {
	t.Helper()
	obj = obj.DeepCopyObject().(client.Object)
	obj.SetManagedFields(nil)
	obj.SetGeneration(0) // a custom resource always has one
	obj.GetObjectKind().SetGroupVersionKind(k.GroupVersionKind(apis.Kubernetes))
	text, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	upstream, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	legacyscheme.Scheme.Default(upstream)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(throughProtobuf(t, upstream))
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// throughProtobuf drops what protobuf does not carry, such as the kind of a claim template.
func throughProtobuf(t *testing.T, obj runtime.Object) runtime.Object {
	t.Helper()
	message := obj.(interface {
		Reset()
		Marshal() ([]byte, error)
		Unmarshal([]byte) error
	})
	wire, err := message.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	message.Reset()
	if err := message.Unmarshal(wire); err != nil {
		t.Fatal(err)
	}
	return obj
}
