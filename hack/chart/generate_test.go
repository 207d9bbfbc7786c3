package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// root is that of the repository.
const root = "../.."

func TestTheTemplatesAreThoseThatConfigGives(t *testing.T) {
	want, _, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(templatesOf(root))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run make helm: (-what config/chart gives +charts/orrery)\n%s", diff)
	}
}

// other are the values of the plugin's that the chart has not, or that it has another default for, each with the reason.
var other = map[string]string{
	"rbac.namespaced":       "namespaces says which",
	"rbac.helpers.enabled":  "config/default has the roles for people",
	"manager.args":          "those of components are values of their own",
	"certManager.enabled":   "config/default has the manager keep the certificate of the webhooks",
	"networkPolicy.enabled": "config/default has no policies",
	"manager.image.tag":     "the chart's appVersion",
}

func TestEveryValueOfThePluginIsOneOfTheChartWithTheSameDefault(t *testing.T) {
	_, text, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := flat(t, "", values(t, content(t, filepath.Join(root, "charts/orrery/values.yaml")))), flat(t, "", values(t, text))
	for name, want := range theirs {
		if _, ok := other[name]; ok {
			continue
		}
		got, ok := ours[name]
		if !ok {
			t.Errorf("values.yaml has no %s", name)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the default of %s (-plugin +values.yaml):\n%s", name, diff)
		}
	}
}

// Whatever a template reads is a value, and whatever is a value a template reads.
func TestValuesAreRead(t *testing.T) {
	var text strings.Builder
	for _, file := range files(t, templatesOf(root)) {
		text.WriteString(content(t, file))
	}
	for name := range values(t, content(t, filepath.Join(root, "charts/orrery/values.yaml"))) {
		if !strings.Contains(text.String(), ".Values."+name) {
			t.Errorf("no template reads %s", name)
		}
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	read, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(read)
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	all := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// wholes are values that are read as a whole.
var wholes = []string{"manager.resources", "manager.podSecurityContext", "manager.securityContext"}

// flat are values by their paths.
func flat(t *testing.T, path string, all map[string]any) map[string]any {
	t.Helper()
	paths := map[string]any{}
	for name, value := range all {
		name = strings.TrimPrefix(path+"."+name, ".")
		if inner, ok := value.(map[string]any); ok && len(inner) > 0 && !slices.Contains(wholes, name) {
			for inner, value := range flat(t, name, inner) {
				paths[inner] = value
			}
			continue
		}
		paths[name] = value
	}
	return paths
}
