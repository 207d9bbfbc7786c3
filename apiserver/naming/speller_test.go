package naming

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
)

func kindOf(t testing.TB, name string) apis.Kind {
	t.Helper()
	for _, kind := range apis.Kinds() {
		if kind.Kind == name {
			return kind
		}
	}
	t.Fatalf("there is no kind %s", name)
	return apis.Kind{}
}

func TestToFirst(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"an object", `{"apiVersion":"apps.orrery.dev/v1","kind":"Deployment"}`, `{"apiVersion":"apps/v1","kind":"Deployment"}`},
		{"one of the core group", `{"kind":"Pod", "apiVersion" : "core.orrery.dev/v1"}`, `{"kind":"Pod", "apiVersion" : "v1"}`},
		{"one that is spelled so already", `{"apiVersion":"apps/v1"}`, `{"apiVersion":"apps/v1"}`},
		{"options of a deletion", `{"kind":"DeleteOptions","apiVersion":"apps.orrery.dev/v1","gracePeriodSeconds":3}`, `{"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":3}`},
		{
			"owners and managers", `{"metadata":{"ownerReferences":[{"apiVersion":"apps.orrery.dev/v1","kind":"ReplicaSet","uid":"1"},{"apiVersion":"v1","kind":"Secret"}],"managedFields":[{"apiVersion":"core.orrery.dev/v1"}]}}`,
			`{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","uid":"1"},{"apiVersion":"v1","kind":"Secret"}],"managedFields":[{"apiVersion":"v1"}]}}`,
		},
		{"a word that stands twice", `{"apiVersion":"apps.orrery.dev/v1","apiVersion":"apps.orrery.dev/v1"}`, `{"apiVersion":"apps/v1","apiVersion":"apps/v1"}`},
		{"what a person wrote elsewhere stays", `{"spec":{"scaleTargetRef":{"apiVersion":"apps.orrery.dev/v1"}},"future":{"apiVersion":"apps.orrery.dev/v1"}}`, `{"spec":{"scaleTargetRef":{"apiVersion":"apps.orrery.dev/v1"}},"future":{"apiVersion":"apps.orrery.dev/v1"}}`},
		{"escapes in what is not touched stay", `{"apiVersion":"apps.orrery.dev/v1","x":"\u00e4\/","y":1e9}`, `{"apiVersion":"apps/v1","x":"\u00e4\/","y":1e9}`},
		{"a version that is no text", `{"apiVersion":7,"metadata":{"ownerReferences":[7,null]}}`, `{"apiVersion":7,"metadata":{"ownerReferences":[7,null]}}`},
		{"what is no object", `[{"apiVersion":"apps.orrery.dev/v1"}]`, `[{"apiVersion":"apps.orrery.dev/v1"}]`},
		{"escapes in what is", `{"api\u0056ersion":"\u0061pps.orrery.dev\/v1"}`, `{"api\u0056ersion":"apps/v1"}`},
		{"what breaks off", `{"apiVersion":"apps.orrery.dev/v1","kind":`, `{"apiVersion":"apps/v1","kind":`},
		{"what breaks off within a word", `{"apiVersion":"apps.orrery.dev/`, `{"apiVersion":"apps.orrery.dev/`},
		{"brackets too many", `}]{"apiVersion":"apps.orrery.dev/v1"}}]`, `}]{"apiVersion":"apps/v1"}}]`},
		{"brackets and quotes within words", `{"x":["}\"","{"],"apiVersion":"apps.orrery.dev/v1"}`, `{"x":["}\"","{"],"apiVersion":"apps/v1"}`},
		{"nothing", ``, ``},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(toFirst([]byte(test.body)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestToSecond(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"an object", `{"kind":"Deployment","apiVersion":"apps/v1"}`, `{"kind":"Deployment","apiVersion":"apps.orrery.dev/v1"}`},
		{"a list, whose items do not say what they are", `{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{"metadata":{"managedFields":[{"apiVersion":"apps/v1"}]}}]}`, `{"kind":"DeploymentList","apiVersion":"apps.orrery.dev/v1","items":[{"metadata":{"managedFields":[{"apiVersion":"apps.orrery.dev/v1"}]}}]}`},
		{"a table", `{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[{"object":{"kind":"Deployment","apiVersion":"apps/v1"}}]}`, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[{"object":{"kind":"Deployment","apiVersion":"apps.orrery.dev/v1"}}]}`},
		{"an event of a watch", `{"type":"ADDED","object":{"kind":"Deployment","apiVersion":"apps/v1"}}`, `{"type":"ADDED","object":{"kind":"Deployment","apiVersion":"apps.orrery.dev/v1"}}`},
		{"an owner that has a second name, and one that has none", `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node"},{"apiVersion":"v1","kind":"Secret"}]}}`, `{"metadata":{"ownerReferences":[{"apiVersion":"core.orrery.dev/v1","kind":"Node"},{"apiVersion":"v1","kind":"Secret"}]}}`},
		{"a manager of the subresource scale", `{"metadata":{"managedFields":[{"apiVersion":"autoscaling/v1","subresource":"scale"}]}}`, `{"metadata":{"managedFields":[{"apiVersion":"autoscaling/v1","subresource":"scale"}]}}`},
		{"an object that tells its kind late", `{"apiVersion":"apps/v1","metadata":{"ownerReferences":[{"kind":"Node","apiVersion":"v1"}]},"kind":"Deployment"}`, `{"apiVersion":"apps.orrery.dev/v1","metadata":{"ownerReferences":[{"kind":"Node","apiVersion":"core.orrery.dev/v1"}]},"kind":"Deployment"}`},
		{"one that never does", `{"apiVersion":"apps/v1","metadata":{}}`, `{"apiVersion":"apps/v1","metadata":{}}`},
		{"several, one after the other", `{"type":"ADDED","object":{"kind":"Deployment","apiVersion":"apps/v1"}}` + "\n" + `{"object":{"apiVersion":"apps/v1","kind":"Deployment"}}`, `{"type":"ADDED","object":{"kind":"Deployment","apiVersion":"apps.orrery.dev/v1"}}` + "\n" + `{"object":{"apiVersion":"apps.orrery.dev/v1","kind":"Deployment"}}`},
		{"a Status", `{"kind":"Status","apiVersion":"v1","details":{"group":"apps"}}`, `{"kind":"Status","apiVersion":"v1","details":{"group":"apps"}}`},
		{"a Scale", `{"kind":"Scale","apiVersion":"autoscaling/v1"}`, `{"kind":"Scale","apiVersion":"autoscaling/v1"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(toSecond([]byte(test.body), kindOf(t, "Deployment")))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPatchToFirst(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"the version itself", `[{"op":"test","path":"/apiVersion","value":"apps.orrery.dev/v1"}]`, `[{"op":"test","path":"/apiVersion","value":"apps/v1"}]`},
		{"that of an owner", `[{"op":"replace","path":"/metadata/ownerReferences/0/apiVersion","value":"apps.orrery.dev/v1"}]`, `[{"op":"replace","path":"/metadata/ownerReferences/0/apiVersion","value":"apps/v1"}]`},
		{"an owner", `[{"op":"add","path":"/metadata/ownerReferences/-","value":{"apiVersion":"core.orrery.dev/v1","kind":"Node"}}]`, `[{"op":"add","path":"/metadata/ownerReferences/-","value":{"apiVersion":"v1","kind":"Node"}}]`},
		{"all owners", `[{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"core.orrery.dev/v1"}]}]`, `[{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"v1"}]}]`},
		{"the metadata", `[{"op":"replace","path":"/metadata","value":{"managedFields":[{"apiVersion":"core.orrery.dev/v1"}]}}]`, `[{"op":"replace","path":"/metadata","value":{"managedFields":[{"apiVersion":"v1"}]}}]`},
		{"the whole", `[{"op":"replace","path":"","value":{"apiVersion":"core.orrery.dev/v1"}}]`, `[{"op":"replace","path":"","value":{"apiVersion":"v1"}}]`},
		{"nothing of what a person wrote elsewhere", `[{"op":"add","path":"/spec/scaleTargetRef/apiVersion","value":"apps.orrery.dev/v1"},{"op":"remove","path":"/x"}]`, `[{"op":"add","path":"/spec/scaleTargetRef/apiVersion","value":"apps.orrery.dev/v1"},{"op":"remove","path":"/x"}]`},
		{"what is no patch", `{"op":"add"}`, `{"op":"add"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(patchToFirst([]byte(test.body)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestYAMLToFirst(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"an object", "kind: Pod\napiVersion: core.orrery.dev/v1 # ours\n", "kind: Pod\napiVersion: v1 # ours\n"},
		{"quoted words, and owners", "apiVersion: \"apps.orrery.dev/v1\"\nmetadata:\n    ownerReferences:\n        - apiVersion: apps.orrery.dev/v1\n", "apiVersion: \"apps/v1\"\nmetadata:\n    ownerReferences:\n        - apiVersion: apps/v1\n"},
		{"an anchor", "x: &v apps.orrery.dev/v1\napiVersion: apps.orrery.dev/v1\ny: *v\n", "x: &v apps.orrery.dev/v1\napiVersion: apps/v1\ny: *v\n"},
		{"a key that stands twice, for the server to complain of", "apiVersion: apps.orrery.dev/v1\nspec: 1\nspec: 2\n", "apiVersion: apps/v1\nspec: 1\nspec: 2\n"},
		{"JSON", `{"apiVersion":"apps.orrery.dev/v1"}`, `{"apiVersion":"apps/v1"}`},
		{"what is no YAML", "\tx: [", "\tx: ["},
		{"what is no object", "- apiVersion: apps.orrery.dev/v1\n", "- apiVersion: apps.orrery.dev/v1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(yamlToFirst([]byte(test.body)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzSpeller holds, of any body: nothing panics; what was JSON is JSON, and says what it said, but for the API versions that a
// reader of the whole would have spelled otherwise; in what pieces it comes does not matter; and what is spelled stays so.
func FuzzSpeller(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"apps.orrery.dev/v1","kind":"Deployment","metadata":{"ownerReferences":[{"apiVersion":"core.orrery.dev/v1","kind":"Node"}],"managedFields":[{"apiVersion":"apps.orrery.dev/v1"}]},"spec":{}}`,
		`{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"managedFields":[{"apiVersion":"apps/v1"}]}},{"apiVersion":"v1","kind":"Pod"}]}`,
		`{"type":"MODIFIED","object":{"apiVersion":"apps/v1","metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node"}]},"kind":"Deployment"}}`,
		`[{"op":"add","path":"/metadata/ownerReferences/-","value":{"apiVersion":"core.orrery.dev/v1"}}]`,
		`{"apiVersion":"v1","apiVersion":"v1"`, `"`, `{`, `{"metadata":{"ownerReferences":[{"apiVersion":`, "\xff\xfe", `{"apiVersion":"\u0061pps.orrery.dev/v1","x":"}\\\""}`, `}]{"apiVersion":{"kind":[{}]}}`,
	} {
		f.Add([]byte(seed), uint8(3))
	}
	deployment := kindOf(f, "Deployment")
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		_, _ = yamlToFirst(body), patchToFirst(body)
		for _, to := range apis.Namings() {
			whole := newSpeller(to, deployment.Kind, object).all(body)
			if pieces := inPiecesOf(body, int(size)%16+1, newSpeller(to, deployment.Kind, object)); pieces != string(whole) {
				t.Fatalf("%q becomes %q as a whole and %q in pieces", body, whole, pieces)
			}
			if again := newSpeller(to, deployment.Kind, object).all(whole); string(again) != string(whole) {
				t.Errorf("a second time, %q becomes %q", whole, again)
			}
			var before, after any
			if json.Unmarshal(body, &before) != nil || repeats(body) {
				continue
			}
			if err := json.Unmarshal(whole, &after); err != nil {
				t.Fatalf("JSON %q became %q: %v", body, whole, err)
			}
			if diff := cmp.Diff(respelled(before, to, deployment.Kind, object), after); diff != "" {
				t.Errorf("%q became %q (-want +got):\n%s", body, whole, diff)
			}
		}
	})
}

// inPiecesOf is what becomes of a body that comes in pieces of a size.
func inPiecesOf(body []byte, size int, s *speller) string {
	var spelled strings.Builder
	for piece := range slices.Chunk(body, size) {
		s.write(piece)
		ready := s.ready()
		spelled.Write(ready)
		s.taken(len(ready))
	}
	return spelled.String() + string(s.out)
}

// repeats reports that a field stands twice somewhere: a reader of the whole sees only one of them.
func repeats(body []byte) bool {
	var v any
	strict, err := kjson.UnmarshalStrict(body, &v)
	return err != nil || len(strict) > 0
}

// respelled is what a speller should make of a document, by having it as a whole.
func respelled(node any, to apis.Naming, kind string, at place) any {
	switch node := node.(type) {
	case map[string]any:
		if !at.hasFields() {
			return node
		}
		spelled := map[string]any{}
		for name, value := range node {
			spelled[name] = respelled(value, to, kind, at.field([]byte(name)))
		}
		text, isText := node["apiVersion"].(string)
		gv, err := schema.ParseGroupVersion(text)
		if at == metadata || !isText || err != nil || text == "" || strings.ContainsAny(text, "\\\"\n\r\t") {
			return spelled
		}
		own, _ := node["kind"].(string)
		if at == manager {
			own = kind
		}
		gk := schema.GroupKind{Group: gv.Group, Kind: own}
		if list := (schema.GroupKind{Group: gv.Group, Kind: strings.TrimSuffix(own, "List")}); at != manager && apis.Orrery.GroupKind(gk) == gk {
			gk = list
		}
		if to.Group(gv.Group) != gv.Group && (to == apis.Kubernetes || apis.Orrery.GroupKind(gk) != gk) {
			spelled["apiVersion"] = schema.GroupVersion{Group: to.Group(gv.Group), Version: gv.Version}.String()
		}
		return spelled
	case []any:
		if at.element() == elsewhere {
			return node
		}
		spelled := make([]any, len(node))
		for i, value := range node {
			spelled[i] = respelled(value, to, kind, at.element())
		}
		return spelled
	default:
		return node
	}
}

func TestThereAndBackIsTheSame(t *testing.T) {
	for _, kind := range apis.Kinds() {
		second := kind.GroupVersionKind(apis.Orrery)
		object := map[string]any{
			"apiVersion": second.GroupVersion().String(), "kind": second.Kind,
			"metadata": map[string]any{
				"name":            "x",
				"ownerReferences": []any{map[string]any{"apiVersion": "apps.orrery.dev/v1", "kind": "Deployment"}, map[string]any{"apiVersion": "v1", "kind": "Secret"}},
				"managedFields":   []any{map[string]any{"apiVersion": second.GroupVersion().String()}},
			},
			"spec": map[string]any{"unknown": []any{"<&>", 1.5, nil}},
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		first := toFirst(body)
		if strings.Contains(string(first), ".orrery.dev") {
			t.Errorf("%s by its first name is %s", kind.Kind, first)
		}
		if diff := cmp.Diff(string(body), string(toSecond(first, kind))); diff != "" {
			t.Errorf("%s there and back (-want +got):\n%s", kind.Kind, diff)
		}
		inYAML, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if spelled := yamlToFirst(inYAML); strings.Contains(string(spelled), ".orrery.dev") {
			t.Errorf("%s by its first name is, in YAML,\n%s", kind.Kind, spelled)
		}
	}
}

func BenchmarkList(b *testing.B) {
	item := `{"metadata":{"name":"web-1","managedFields":[{"manager":"x","apiVersion":"v1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}}],"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web"}]},"spec":{"containers":[{"name":"web","image":"web:1","env":[{"name":"A","value":"b"}]}]},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`
	body := []byte(`{"kind":"PodList","apiVersion":"v1","items":[` + strings.Repeat(item+",", 999) + item + `]}`)
	pod := kindOf(b, "Pod")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		toSecond(body, pod)
	}
}
