package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func build(t *testing.T, folder string) resmap.ResMap {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "config", folder))
	if err != nil {
		t.Fatalf("building config/%s: %v", folder, err)
	}
	return built
}

// buildDefaultWith builds config/default with the lines uncommented that turn components on.
func buildDefaultWith(t *testing.T, components ...string) resmap.ResMap {
	t.Helper()
	disk := filesys.MakeFsOnDisk()
	path := filepath.Join(root, "config", "default", "kustomization.yaml")
	text, err := disk.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	on := string(text)
	for _, component := range components {
		line := "- ../" + component
		if !strings.Contains(on, "#"+line) {
			t.Fatalf("config/default/kustomization.yaml has no line #%s", line)
		}
		on = strings.Replace(on, "#"+line, line, 1)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(uncommented{disk, on}, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// uncommented is a disk on which the default's kustomization says something else.
type uncommented struct {
	filesys.FileSystem
	text string
}

func (u uncommented) ReadFile(path string) ([]byte, error) {
	if strings.HasSuffix(path, filepath.Join("config", "default", "kustomization.yaml")) {
		return []byte(u.text), nil
	}
	return u.FileSystem.ReadFile(path)
}

func TestTheDefaultPutsEverythingIntoItsNamespace(t *testing.T) {
	definitions := 0
	for _, r := range build(t, "default").Resources() {
		switch r.GetKind() {
		case "CustomResourceDefinition":
			definitions++
		case "ClusterRole", "ClusterRoleBinding", "Namespace", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		default:
			if r.GetNamespace() != "orrery-system" {
				t.Errorf("%s %s is in the namespace %q", r.GetKind(), r.GetName(), r.GetNamespace())
			}
		}
		if r.GetKind() == "Namespace" && r.GetName() != "orrery-system" {
			t.Errorf("the namespace is %s", r.GetName())
		}
	}
	if want := len(apis.Kinds()); definitions != want {
		t.Errorf("it installs %d definitions, there are %d kinds: is config/crd/kustomization.yaml complete?", definitions, want)
	}
}

// The chart is made of all components; whichever are on by default, its values say so again.
func TestTheChartIsMadeOfEveryComponent(t *testing.T) {
	whole, every := map[string]bool{}, map[string]bool{}
	for _, r := range build(t, "chart").Resources() {
		whole[r.CurId().String()] = true
	}
	text, err := os.ReadFile(filepath.Join(root, "config", "default", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var components []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if component, ok := strings.CutPrefix(line, "#- ../"); ok {
			components = append(components, component)
		}
	}
	for _, r := range buildDefaultWith(t, components...).Resources() {
		every[r.CurId().String()] = true
	}
	if diff := cmp.Diff(every, whole); diff != "" {
		t.Errorf("config/chart (-default and all components +chart):\n%s", diff)
	}
}

func TestThereIsASampleOfEveryKindAndItsFieldsExist(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Orrery); err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	seen := map[schema.GroupVersionKind]bool{}
	for _, r := range build(t, "samples").Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		_, gvk, err := strict.Decode(text, nil, nil)
		if err != nil {
			t.Errorf("the sample %s %s: %v", r.GetKind(), r.GetName(), err)
			continue
		}
		seen[*gvk] = true
	}
	for _, k := range apis.Kinds() {
		if !seen[k.GroupVersionKind(apis.Orrery)] {
			t.Errorf("config/samples has no %s", k.Kind)
		}
	}
}

func TestExamplesAreOrdinaryKubernetes(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	if err := configv1.AddToScheme(scheme); err != nil { // a plugin's example comes with its configuration
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	paths, err := filepath.Glob(filepath.Join(root, "examples/*/*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no examples (%v)", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(data), "\n---\n") {
			if _, _, err := strict.Decode([]byte(document), nil, nil); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestPROJECTListsEveryKind(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "PROJECT"))
	if err != nil {
		t.Fatal(err)
	}
	var project struct {
		Repo       string
		Multigroup bool
		Resources  []struct {
			API                                struct{ Namespaced bool }
			Domain, Group, Version, Kind, Path string
		}
	}
	if err := yaml.Unmarshal(data, &project); err != nil {
		t.Fatal(err)
	}
	if !project.Multigroup {
		t.Error("PROJECT is not multigroup")
	}
	listed, want := map[schema.GroupVersionKind]bool{}, map[schema.GroupVersionKind]bool{}
	for _, r := range project.Resources {
		gvk := schema.GroupVersionKind{Group: r.Group + "." + r.Domain, Version: r.Version, Kind: r.Kind}
		listed[gvk] = r.API.Namespaced
		if r.Path != project.Repo+"/apis/"+r.Group+"/"+r.Version {
			t.Errorf("PROJECT has %s at %s", gvk, r.Path)
		}
	}
	for _, k := range apis.Kinds() {
		want[k.GroupVersionKind(apis.Orrery)] = k.Scope == apis.Namespaced
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("kinds in PROJECT, and whether they are namespaced (-want +got):\n%s", diff)
	}
}
