package apiserver_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

func TestSchemasOfSecondNamesHaveDescriptions(t *testing.T) {
	server := shared(t)
	paths, err := clients(t, server, identity.Admin).Discovery().OpenAPIV3().Paths()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"apis/apps.orrery.dev/v1", "apis/core.orrery.dev/v1"} {
		document, err := paths[kind].Schema("application/json")
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Paths      map[string]any
			Components struct {
				Schemas map[string]struct {
					Description string
					Kinds       []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
				}
			}
		}
		if err := json.Unmarshal(document, &schema); err != nil {
			t.Fatal(err)
		}
		group := strings.Split(kind, "/")[1]
		described := 0
		for _, s := range schema.Components.Schemas {
			if len(s.Kinds) == 1 && s.Kinds[0].Group == group && s.Description != "" {
				described++
			}
		}
		if described < 5 {
			t.Errorf("%s describes %d kinds", kind, described)
		}
		for path := range schema.Paths {
			if !strings.HasPrefix(path, "/"+kind+"/") {
				t.Errorf("%s has the path %s", kind, path)
			}
		}
	}
}

func TestTheDefinitionOfASecondNameCannotBeDeleted(t *testing.T) {
	server := shared(t)
	custom := untyped(t, server, identity.Admin).Resource(definitions)
	err := custom.Delete(t.Context(), "deployments.apps.orrery.dev", metav1.DeleteOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "two names for the same objects") {
		t.Errorf("deleting one: got %v, want a refusal that says why", err)
	}
	err = custom.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("deleting all: got %v, want a refusal", err)
	}
	list, err := custom.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != len(apis.Kinds()) {
		t.Errorf("there are %d definitions left (%v), want %d", len(list.Items), err, len(apis.Kinds()))
	}
}

func TestAServerKeepsTheDefinitionsThatItWasSeededWith(t *testing.T) {
	custom := untyped(t, shared(t), identity.Admin).Resource(definitions)
	list, err := custom.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range list.Items {
		if fields := definition.GetManagedFields(); len(fields) != 0 {
			t.Errorf("%s was written again by %s", definition.GetName(), fields[0].Manager)
		}
	}
}

func TestADefinitionOfAnotherReleaseIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	options := apiserver.Options{DataDir: t.TempDir(), Ephemeral: true, TwoNames: true}
	const name = "ingressclasses.networking.orrery.dev"
	first := start(t, options)
	old := `{"metadata":{"annotations":{"orrery.dev/definition-checksum":"another"}},"spec":{"names":{"shortNames":["old"]}}}`
	config, err := first.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	config.Impersonate.UserName, config.Impersonate.Groups = "system:apiserver", []string{"system:masters"} // who may
	server, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Resource(definitions).Patch(t.Context(), name, types.MergePatchType, []byte(old), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	found, err := untyped(t, start(t, options), identity.Admin).Resource(definitions).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shortNames, _, err := unstructured.NestedStringSlice(found.Object, "spec", "names", "shortNames")
	if err != nil || slices.Contains(shortNames, "old") || found.GetAnnotations()["orrery.dev/definition-checksum"] == "another" {
		t.Errorf("it still is that of the other release: %v, %v", shortNames, found.GetAnnotations())
	}
}

func TestEveryKindIsServedUnderBothNames(t *testing.T) {
	server := shared(t)
	custom := untyped(t, server, identity.Admin)
	for _, kind := range apis.Kinds() {
		for _, naming := range apis.Namings() {
			resource := kind.GroupVersionResource(naming)
			if resource.Group == "scheduling.k8s.io" {
				continue // Kubernetes serves these only behind a feature gate
			}
			if _, err := custom.Resource(resource).List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Errorf("listing %s: %v", resource, err)
			}
		}
	}
}
