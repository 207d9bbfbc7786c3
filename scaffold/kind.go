package scaffold

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
)

// checkKind refuses what can be no kind, and says of each part what it has to be.
func checkKind(gvk resource.GVK) error {
	if gvk.Group == "" && gvk.Domain == "" {
		return fmt.Errorf("--group is missing: say which API group the kind is in, as --group web")
	}
	if wrong := validation.IsDNS1123Subdomain(gvk.QualifiedGroup()); len(wrong) > 0 {
		return fmt.Errorf("--group %q: %s is no API group: %s", gvk.Group, gvk.QualifiedGroup(), strings.Join(wrong, ", "))
	}
	if gvk.Version == "" {
		return fmt.Errorf("--version is missing: say which version of the group the kind is in, as --version v1")
	}
	if wrong := validation.IsDNS1035Label(gvk.Version); len(wrong) > 0 {
		return fmt.Errorf("--version %q is no DNS label: %s", gvk.Version, strings.Join(wrong, ", "))
	}
	if gvk.Kind == "" {
		return fmt.Errorf("--kind is missing: say what the kind is called, as --kind Website")
	}
	if wrong := validation.IsDNS1035Label(strings.ToLower(gvk.Kind)); len(wrong) > 0 {
		return fmt.Errorf("--kind %q is no DNS label in lower case: %s", gvk.Kind, strings.Join(wrong, ", "))
	}
	if first := gvk.Kind[:1]; first == strings.ToLower(first) {
		return fmt.Errorf("--kind %q begins with a small letter: did you mean %s?", gvk.Kind, strings.ToUpper(first)+gvk.Kind[1:])
	}
	return nil
}

// title is how a kind is called in sentences.
func title(gvk resource.GVK) string {
	return fmt.Sprintf("kind %s of %s/%s", gvk.Kind, gvk.QualifiedGroup(), gvk.Version)
}

// newResource is a kind as it is asked for. One that the project knows already keeps its domain, which may be another than the
// project's.
func newResource(asked resource.GVK, c config.Config) *resource.Resource {
	asked.Domain = c.GetDomain()
	all, _ := c.GetResources() // of version 3 there is no error
	known := 0
	for _, r := range all {
		if r.Group == asked.Group && r.Version == asked.Version && r.Kind == asked.Kind {
			asked.Domain = r.Domain
			known++
		}
	}
	if known > 1 {
		asked.Domain = c.GetDomain()
	}
	return &resource.Resource{
		GVK: asked, Plural: resource.RegularPlural(asked.Kind),
		API: &resource.API{}, Webhooks: &resource.Webhooks{},
	}
}
