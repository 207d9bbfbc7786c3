package system_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Whoever is told which kinds work is told of all that the server has of its own, under the names that it has for them.
func TestEveryKindOfTheServerIsAccountedFor(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]schema.GroupResource{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(gv.Group, ".orrery.dev") {
			continue // a second name
		}
		for _, resource := range list.APIResources {
			if !strings.Contains(resource.Name, "/") {
				served[schema.GroupKind{Group: gv.Group, Kind: resource.Kind}.String()] = schema.GroupResource{Group: gv.Group, Resource: resource.Name}
			}
		}
	}
	known := controllers.BuiltIns()
	for kind, resource := range served {
		i := slices.IndexFunc(known, func(b controllers.BuiltIn) bool { return b.String() == kind })
		if i < 0 {
			t.Errorf("%s is served, and has no line in controllers/builtins.go", kind)
		} else if known[i].Resource() != resource {
			t.Errorf("%s is said to be %s, and the server calls it %s", kind, known[i].Resource(), resource)
		}
	}
	for _, kind := range known {
		if _, ok := served[kind.String()]; !ok {
			t.Errorf("%s has a line in controllers/builtins.go, and the server does not have it", kind)
		}
	}
}
