package crd

import (
	"math/rand"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/randfill"
)

// An API server drops what the schema of a custom resource does not name: it must name
// everything that the Go type can hold.
func TestNoFieldIsDropped(t *testing.T) {
	all := definitions(t)
	fill := everything()
	for _, k := range apis.Kinds() {
		t.Run(k.Kind, func(t *testing.T) {
			schema := structural(t, find(t, all, k))
			for range 3 {
				obj := k.New()
				fill.Fill(obj)
				whole, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
				if err != nil {
					t.Fatal(err)
				}
				pruned := runtime.DeepCopyJSON(whole)
				pruning.Prune(pruned, schema, true)
				if diff := cmp.Diff(whole, pruned); diff != "" {
					t.Fatalf("the schema lacks fields (-type +schema):\n%s", diff)
				}
			}
		})
	}
}

// everything returns a source of objects in which every pointer, list and map has something.
func everything() *randfill.Filler {
	funcs := fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, func(serializer.CodecFactory) []any {
		return []any{func(raw *runtime.RawExtension, _ randfill.Continue) {
			raw.Raw = []byte(`{"any":{"thing":[1]}}`)
		}}
	})
	return fuzzer.FuzzerFor(funcs, rand.NewSource(1), serializer.NewCodecFactory(runtime.NewScheme())).
		NilChance(0).NumElements(1, 1).
		// A composite template nests itself; below the second level the schema keeps what is there.
		MaxDepth(20)
}

func structural(t *testing.T, d definition) *structuralschema.Structural {
	t.Helper()
	var props apiextensions.JSONSchemaProps
	source := d.Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(source, &props, nil); err != nil {
		t.Fatal(err)
	}
	schema, err := structuralschema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestDroppedFieldsAreSeen(t *testing.T) {
	schema := structural(t, find(t, definitions(t), apis.Kinds()[0]))
	delete(schema.Properties, "status")
	obj := map[string]any{"spec": map[string]any{}, "status": map[string]any{"phase": "Running"}}
	pruning.Prune(obj, schema, true)
	if want := map[string]any{"spec": map[string]any{}}; !reflect.DeepEqual(obj, want) {
		t.Errorf("got %v, want %v", obj, want)
	}
}
