package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files")

// The definitions are left out here: there is a test of their own.
func TestTemplate(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		for _, name := range []string{"default", "fullest", "namespaced"} {
			t.Run(name, func(t *testing.T) {
				args := append(rendered(name), "--set", "crd.enabled=false")
				got, file := inOrder(h.run(t, args...)), filepath.Join("testdata", name+".yaml")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(content(t, file), got); diff != "" {
					t.Errorf("run go test -update, and look at what has changed: (-testdata +helm template)\n%s", diff)
				}
			})
		}
	})
}

// inOrder is what Helm rendered, in the order of the templates: each version has an order of its own. What roles allow is left out,
// which is generated, and would change this with every marker in the code.
func inOrder(manifests string) string {
	documents := strings.Split(strings.TrimPrefix(manifests, "---\n"), "\n---\n")
	for i := range documents {
		text, _, _ := strings.Cut(documents[i], "\nrules:\n")
		documents[i] = strings.TrimSpace(text) + "\n"
	}
	slices.Sort(documents)
	return strings.Join(documents, "---\n")
}

// rendered is how Helm renders the chart with the values of a golden file.
func rendered(name string) []string {
	return []string{"template", chartName, chart, "--values", filepath.Join("testdata", name+"-values.yaml")}
}

func TestAnAccountOfSomebodyElsesIsUsed(t *testing.T) {
	out := newHelm(t, "v4").run(t, "template", chartName, chart, "--set", "serviceAccount.enabled=false,serviceAccount.name=mine,crd.enabled=false")
	if strings.Contains(out, "kind: ServiceAccount\nmetadata") || !strings.Contains(out, "serviceAccountName: mine\n") || !strings.Contains(out, "- kind: ServiceAccount\n  name: mine\n") {
		t.Errorf("it is not used:\n%s", out)
	}
}

func TestLint(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		for _, name := range []string{"default", "fullest", "namespaced"} {
			h.run(t, "lint", "--strict", chart, "--values", filepath.Join("testdata", name+"-values.yaml"))
		}
	})
}

// What is installed are the definitions of config/crd, with Helm's labels, and they are kept.
func TestDefinitionsAreThoseOfConfig(t *testing.T) {
	h := newHelm(t, "v4")
	for _, c := range []struct {
		name string
		args []string
		kept bool
	}{
		{"and are kept", nil, true},
		{"and are not kept if nobody wants that", []string{"--set", "crd.keep=false"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := definitions(t, h.run(t, append(rendered("default"), c.args...)...))
			paths, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
			if err != nil || len(paths) == 0 || len(got) != len(paths) {
				t.Fatalf("there are %d definitions, want %d (%v)", len(got), len(paths), err)
			}
			for _, path := range paths {
				want := values(t, content(t, path))
				name := want["metadata"].(map[string]any)["name"].(string)
				if diff := cmp.Diff(want["spec"], got[name]["spec"]); diff != "" {
					t.Errorf("%s (-config/crd +chart):\n%s", name, diff)
				}
				annotations := got[name]["metadata"].(map[string]any)["annotations"].(map[string]any)
				if kept := annotations["helm.sh/resource-policy"] == "keep"; kept != c.kept {
					t.Errorf("%s has the annotations %v", name, annotations)
				}
			}
		})
	}
}

// definitions are those among manifests, by their names.
func definitions(t *testing.T, manifests string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		object := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if object["kind"] == "CustomResourceDefinition" {
			all[object["metadata"].(map[string]any)["name"].(string)] = object
		}
	}
	return all
}

func TestWrongValuesAreRefused(t *testing.T) {
	eachHelm(t, func(t *testing.T, h helm) {
		for _, c := range []struct {
			name string
			set  []string
			says []string
		}{
			{"a value that does not exist", []string{"manager.replica=2"}, []string{"manager", "replica"}},
			{"a toggle by the plugin's old name", []string{"metrics.enable=false"}, []string{"metrics", "enable"}},
			{"a number below none", []string{"simulatedNodes.count=-1"}, []string{"simulatedNodes", "count", "minimum"}},
			{"a text in the place of a number", []string{"manager.replicas=many"}, []string{"manager", "replicas", "integer"}},
			{"the name of a loop that no loop can have", []string{"controllers={Deployment}"}, []string{"controllers", "pattern"}},
			{"no loop at all", []string{"controllers="}, []string{"controllers", "array"}},
			{"a tag within the repository", []string{"manager.image.repository=orrery:1"}, []string{"image", "repository", "pattern"}},
			{"a policy of pulling that does not exist", []string{"manager.image.pullPolicy=Sometimes"}, []string{"pullPolicy", "Always"}},
			{"a certificate of nothing", []string{"certManager.enabled=true", "webhook.enabled=false"}, []string{"certManager.enabled needs webhook.enabled"}},
			{"a ServiceMonitor of nothing", []string{"prometheus.enabled=true", "metrics.enabled=false"}, []string{"prometheus.enabled needs metrics.enabled"}},
			{"two managers without an election", []string{"manager.replicas=2", "manager.args={}"}, []string{"--leader-elect"}},
			{"the name of no namespace", []string{"namespaces={Shop}"}, []string{"namespaces", "pattern"}},
			{"a scheduler for some namespaces", []string{"namespaces={shop}", "webhook.enabled=false"}, []string{"namespaces confines the manager, and scheduler.enabled"}},
			{"webhooks for some namespaces", []string{"namespaces={shop}", "scheduler.enabled=false"}, []string{"namespaces confines the manager, and webhook.enabled"}},
			{"nobody's account", []string{"serviceAccount.enabled=false"}, []string{"serviceAccount.name"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				out, err := h.try("template", chartName, chart, "--set", strings.Join(c.set, ","))
				if err == nil {
					t.Fatalf("it is taken: %.300s", out)
				}
				for _, want := range c.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("the message has no %q:\n%v", want, err)
					}
				}
			})
		}
	})
}
