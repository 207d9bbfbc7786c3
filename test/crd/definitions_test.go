package crd

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

const (
	bases = "../../config/crd/bases"
	names = "../../config/crd/names" // the same without schemas
)

// definition is a CRD together with the bytes of its file.
type definition struct {
	*apiextensionsv1.CustomResourceDefinition
	path string
	yaml []byte
}

func definitions(t *testing.T) []definition {
	t.Helper()
	return definitionsIn(t, bases)
}

func definitionsIn(t *testing.T, dir string) []definition {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there is nothing in %s (%v): run make manifests", dir, err)
	}
	var all []definition
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(data, crd); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, definition{crd, filepath.Base(path), data})
	}
	return all
}

func find(t *testing.T, all []definition, k apis.Kind) definition {
	t.Helper()
	gvr := k.GroupVersionResource(apis.Orrery)
	for _, d := range all {
		if d.Name == gvr.Resource+"."+gvr.Group {
			return d
		}
	}
	t.Fatalf("%s.%s has no definition", gvr.Resource, gvr.Group)
	return definition{}
}

func TestEveryKindHasADefinitionThatAgreesWithTheTable(t *testing.T) {
	all := definitions(t)
	if len(all) != len(apis.Kinds()) {
		t.Errorf("there are %d definitions for %d kinds", len(all), len(apis.Kinds()))
	}
	for _, k := range apis.Kinds() {
		d := find(t, all, k)
		if d.Spec.Names.Kind != k.Kind {
			t.Errorf("%s has the kind %s, want %s", d.Name, d.Spec.Names.Kind, k.Kind)
		}
		if namespaced := d.Spec.Scope == apiextensionsv1.NamespaceScoped; namespaced != (k.Scope == apis.Namespaced) {
			t.Errorf("%s has the scope %s, which the table contradicts", d.Name, d.Spec.Scope)
		}
		if version := k.GroupVersionKind(apis.Orrery).Version; len(d.Spec.Versions) != 1 || d.Spec.Versions[0].Name != version {
			t.Errorf("%s does not serve exactly %s", d.Name, version)
		}
	}
}

// The server's own validation: structural schemas, list map keys, the cost of CEL rules,
// selectable fields and printer columns.
func TestAnAPIServerAcceptsEveryDefinition(t *testing.T) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	for _, d := range slices.Concat(definitions(t), definitionsIn(t, names)) {
		crd := d.DeepCopy()
		scheme.Default(crd)
		internal := &apiextensions.CustomResourceDefinition{}
		if err := scheme.Convert(crd, internal, nil); err != nil {
			t.Fatalf("%s: %v", d.path, err)
		}
		internal.Status.StoredVersions = []string{internal.Spec.Versions[0].Name}
		for _, err := range validation.ValidateCustomResourceDefinition(context.Background(), internal) {
			t.Errorf("%s: %v", d.path, err)
		}
	}
}

func TestEachDefinitionHasOneWithoutSchemaThatIsTheSameOtherwise(t *testing.T) {
	whole, short := definitions(t), definitionsIn(t, names)
	if len(short) != len(whole) {
		t.Fatalf("there are %d in %s and %d in %s: run make manifests", len(whole), bases, len(short), names)
	}
	for i, d := range whole {
		want := d.DeepCopy()
		version := &want.Spec.Versions[0] // there is one
		version.SelectableFields, version.Schema = nil, short[i].Spec.Versions[0].Schema
		if diff := cmp.Diff(want, short[i].CustomResourceDefinition); diff != "" {
			t.Errorf("%s (-%s +%s):\n%s", d.path, bases, names, diff)
		}
		if schema := short[i].Spec.Versions[0].Schema.OpenAPIV3Schema; len(schema.Properties) > 0 {
			t.Errorf("%s has %d properties", d.path, len(schema.Properties))
		}
	}
}

// etcd refuses requests above 1.5 MiB, and a definition that is applied on the server is
// stored with the managed fields of every property in it, about as large again.
func TestEveryDefinitionFitsIntoEtcd(t *testing.T) {
	const limit = 400 << 10
	for _, d := range definitions(t) {
		stored, err := json.Marshal(d.CustomResourceDefinition)
		if err != nil {
			t.Fatal(err)
		}
		if len(stored) > limit {
			t.Errorf("%s takes %d kB as JSON, at most %d are allowed; are there descriptions in it?", d.path, len(stored)>>10, limit>>10)
		}
	}
}

func TestSubresourcesAreThoseOfUpstream(t *testing.T) {
	all := definitions(t)
	for _, k := range apis.Kinds() {
		d := find(t, all, k)
		sub := d.Spec.Versions[0].Subresources
		if sub == nil {
			sub = &apiextensionsv1.CustomResourceSubresources{}
		}
		obj := reflect.ValueOf(k.New()).Elem()
		if has := obj.FieldByName("Status").IsValid(); has != (sub.Status != nil) {
			t.Errorf("%s: the type has a status: %t; the definition serves one: %t", d.Name, has, sub.Status != nil)
		}
		spec := obj.FieldByName("Spec")
		scales := spec.IsValid() && spec.FieldByName("Replicas").IsValid()
		if scales != (sub.Scale != nil) {
			t.Errorf("%s: the type has replicas: %t; the definition serves scale: %t", d.Name, scales, sub.Scale != nil)
		}
	}
}

// kubectl warns whenever two resources share a short name, and "kubectl get all" lists both
// names of one object if both are in the category.
func TestNamesDoNotCollideWithUpstreams(t *testing.T) {
	for _, d := range definitions(t) {
		names := d.Spec.Names
		for _, short := range names.ShortNames {
			if !strings.HasPrefix(short, "o") {
				t.Errorf("%s: the short name %q does not start with o", d.Name, short)
			}
		}
		if !slices.Equal(names.Categories, []string{"orrery"}) {
			t.Errorf("%s has the categories %v, want orrery alone", d.Name, names.Categories)
		}
	}
}

func TestNothingIsRequiredAtTheTopOfAStatus(t *testing.T) {
	for _, d := range definitions(t) {
		root := d.Spec.Versions[0].Schema.OpenAPIV3Schema
		if slices.Contains(root.Required, "status") {
			t.Errorf("%s requires a status", d.Name)
		}
		if required := root.Properties["status"].Required; len(required) > 0 {
			t.Errorf("%s requires %v of a status", d.Name, required)
		}
	}
}

func TestAPodCanBeSelectedByWhatUpstreamOffers(t *testing.T) {
	want := []string{
		".spec.nodeName", ".spec.restartPolicy", ".spec.schedulerName", ".spec.serviceAccountName",
		".spec.hostNetwork", ".status.phase", ".status.podIP", ".status.nominatedNodeName",
	}
	for _, d := range definitions(t) {
		if d.Name != "pods.core.orrery.dev" {
			continue
		}
		var got []string
		for _, f := range d.Spec.Versions[0].SelectableFields {
			got = append(got, f.JSONPath)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("selectable fields of a pod (-want +got):\n%s", diff)
		}
	}
}
