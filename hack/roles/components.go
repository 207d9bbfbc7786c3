package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-tools/pkg/loader"

	"github.com/orrery-dev/orrery/apis"
)

// component is a part of our own control plane that is no control loop: its name, and the folder of its packages.
type component struct{ name, folder string }

var components = []component{
	{"scheduler", "scheduler"},
	{"proxy", "network"},
	{"dns", "network/dns"},
	{"ingress", "network/ingress"},
	{"storage", "storage"},
	{"metrics-server", "resourcemetrics"},
	{"simulated-nodes", "nodeagent"},
}

// packages are those below the component's folder, but for what another component has of it.
func (c component) packages(from sources) []*loader.Package {
	return slices.DeleteFunc(from.below(c.folder), func(p *loader.Package) bool {
		return slices.ContainsFunc(components, func(other component) bool {
			return strings.HasPrefix(other.folder, c.folder+"/") && len(sources{p}.below(other.folder)) > 0
		})
	})
}

// writeComponents writes the roles of the components.
func writeComponents(config string, from sources) error {
	for _, c := range components {
		asked, err := readMarkers(c.packages(from)...)
		if err != nil {
			return fmt.Errorf("reading the markers of %s: %w", c.folder, err)
		}
		path := filepath.Join(config, "rbac", "components", c.name+".yaml")
		if err := writeRoles(path, "orrery:"+c.name, byFirstNames(asked.rules), asked.roles...); err != nil {
			return err
		}
	}
	return nil
}

// byFirstNames leaves out what is asked for of second names: in our own API server requests are judged by the first.
func byFirstNames(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var first []rbacv1.PolicyRule
	for _, rule := range rules {
		rule = *rule.DeepCopy()
		rule.APIGroups = slices.DeleteFunc(rule.APIGroups, isSecond)
		if len(rule.APIGroups) > 0 || len(rule.NonResourceURLs) > 0 {
			first = append(first, rule)
		}
	}
	return first
}

// isSecond reports that a group is one in which kinds have their second names.
func isSecond(group string) bool {
	return slices.ContainsFunc(apis.Kinds(), func(k apis.Kind) bool { return k.GroupVersionKind(apis.Orrery).Group == group })
}
