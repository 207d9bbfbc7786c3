package rbac

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-tools/pkg/rbac"
)

// readMarkers reads the markers +kubebuilder:rbac of a file of Go, as controller-gen understands them: a role for those of each namespace,
// and one for all that have none. Where each stands is kept, so a rule is one marker.
func readMarkers(path string, text []byte) ([]declared, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("reading markers: %w", err)
	}
	var found []declared
	for _, group := range file.Comments {
		for _, comment := range group.List {
			text := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
			if !strings.HasPrefix(text, "+"+rbac.RuleDefinition.Name+":") {
				continue
			}
			place := fmt.Sprintf("%s:%d", filepath.ToSlash(path), files.Position(comment.Pos()).Line)
			marker, err := rbac.RuleDefinition.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("reading the marker at %s: %w", place, err)
			}
			found = addMarker(found, place, marker.(rbac.Rule))
		}
	}
	return found, nil
}

// addMarker adds a marker to the role of its namespace.
func addMarker(roles []declared, place string, marker rbac.Rule) []declared {
	rule := marker.ToRule()
	for i, group := range rule.APIGroups {
		if group == "core" { // as controller-gen lets people type
			rule.APIGroups[i] = ""
		}
	}
	for i := range roles {
		if roles[i].Namespace == marker.Namespace {
			roles[i].Rules, roles[i].Places = append(roles[i].Rules, rule), append(roles[i].Places, place)
			return roles
		}
	}
	return append(roles, declared{Role: Role{
		Name: "markers", Namespace: marker.Namespace, Rules: []rbacv1.PolicyRule{rule}, Places: []string{place},
	}})
}
