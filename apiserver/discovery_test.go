package apiserver_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/await"
)

// foreign is a definition of somebody else's kind.
func foreign(group, kind, plural, singular string) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, ListKind: kind + "List", Plural: plural, Singular: singular},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"}},
			}},
		},
	}
}

func TestANameWithoutAGroupMeansWhatItMeansOnAnyCluster(t *testing.T) {
	server := shared(t)
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	client, err := apiextensions.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range []*apiextensionsv1.CustomResourceDefinition{
		foreign("kueue.example.com", "Workload", "workloads", "workload"),
		foreign("zoo.example.com", "Deployment", "deployments", "deployment"),
	} {
		if _, err := client.ApiextensionsV1().CustomResourceDefinitions().Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := client.ApiextensionsV1().CustomResourceDefinitions().Delete(context.WithoutCancel(t.Context()), definition.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	want := map[string]string{
		"workloads":                   "kueue.example.com", // here too, though we serve those of scheduling.k8s.io, which are off elsewhere
		"workload":                    "kueue.example.com",
		"podgroups":                   "scheduling.k8s.io",
		"priorityclasses":             "scheduling.k8s.io",
		"deployments":                 "apps",
		"deployments.apps":            "apps",
		"pods":                        "",
		"deployments.zoo.example.com": "zoo.example.com",
		"horizontalpodautoscalers":    "autoscaling",
	}
	await.Until(t, "each name to mean its group", func() (string, bool) {
		groups, err := restmapper.GetAPIGroupResources(client.Discovery())
		if err != nil {
			return err.Error(), false
		}
		mapper := restmapper.NewDiscoveryRESTMapper(groups)
		for name, group := range want {
			resource := schema.ParseGroupResource(name)
			found, err := mapper.ResourceFor(resource.WithVersion(""))
			if err != nil || found.Group != group {
				return fmt.Sprintf("%s means %v (%v), want group %q", name, found, err, group), false
			}
		}
		return "", true
	})
}

func TestOurGroupsComeLastInDiscovery(t *testing.T) {
	list, err := clients(t, shared(t), identity.Admin).Discovery().ServerGroups()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, group := range list.Groups {
		names = append(names, group.Name)
	}
	at := slices.Index(names, "scheduling.k8s.io")
	if at < 0 || slices.Contains(names[at:], "storage.k8s.io") || slices.Contains(names[:at], "apps.orrery.dev") {
		t.Errorf("groups come as %v, want scheduling.k8s.io after those of any cluster and before second names", names)
	}
}

// A client that keeps answers asks by the date of the one that it has whether there is another.
func TestTheIndexOfDocumentsIsNeverTakenForAnOlderOne(t *testing.T) {
	config, err := shared(t).Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+"/openapi/v3", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("If-Modified-Since", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("of the second in which it is asked for it is answered by %s, want it anew", response.Status)
	}
}
