package snapshotkinds

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// TestTheDefinitionsAreExternalSnapshotters compares them with the files that external-snapshotter has people install, but for a version that
// is not served any more.
func TestTheDefinitionsAreExternalSnapshotters(t *testing.T) {
	where, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kubernetes-csi/external-snapshotter/client/v8").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Definitions()
	if err != nil || len(ours) != 3 {
		t.Fatalf("there are %d definitions (%v)", len(ours), err)
	}
	for _, our := range ours {
		file := our.Spec.Group + "_" + our.Spec.Names.Plural + ".yaml"
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(where)), "config/crd", file))
		if err != nil {
			t.Fatal(err)
		}
		theirs := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(text, theirs); err != nil {
			t.Fatal(err)
		}
		theirs.Spec.Versions = theirs.Spec.Versions[:1]
		strip(theirs.Spec.Versions[0].Schema.OpenAPIV3Schema)
		strip(our.Spec.Versions[0].Schema.OpenAPIV3Schema)
		if diff := cmp.Diff(theirs.Spec, our.Spec); diff != "" {
			t.Errorf("%s: -theirs +ours:\n%s", our.Name, diff)
		}
		if theirs.Annotations[approved] != our.Annotations[approved] {
			t.Errorf("%s is approved by %s, theirs by %s", our.Name, our.Annotations[approved], theirs.Annotations[approved])
		}
	}
}

// strip takes descriptions out of a schema, of which some are worded otherwise, and the one thing that was changed by hand in theirs:
// their restoreSize is a string, and ours may be a number as any quantity.
func strip(schema *apiextensionsv1.JSONSchemaProps) {
	schema.Description = ""
	if schema.XIntOrString {
		schema.Type, schema.AnyOf = "", nil
	}
	for name, of := range schema.Properties {
		strip(&of)
		schema.Properties[name] = of
	}
}
