package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
	"sigs.k8s.io/controller-tools/pkg/rbac"

	"github.com/orrery-dev/orrery/controllers"
)

// room is the room of a loop, and what its RBAC markers ask for.
type room struct {
	controllers.Entry
	marked
}

// marked is what RBAC markers ask for: in all namespaces, and in one.
type marked struct {
	rules []rbacv1.PolicyRule
	roles []rbacv1.Role
}

// sources are the packages whose markers are read.
type sources []*loader.Package

// loadSources loads all of them at once, which takes as long as one of them.
func loadSources(entries []controllers.Entry, components []component) (sources, error) {
	var patterns []string
	for _, e := range entries {
		patterns = append(patterns, "./controllers/"+e.Room)
	}
	for _, c := range components {
		patterns = append(patterns, "./"+c.folder+"/...")
	}
	if len(components) > 0 {
		patterns = append(patterns, "./webhooks/...")
	}
	roots, err := loader.LoadRoots(patterns...)
	if err != nil {
		return nil, fmt.Errorf("loading the packages that have markers: %w", err)
	}
	return roots, nil
}

// below are the packages in a folder of the module, and in those below it.
func (s sources) below(folder string) []*loader.Package {
	var within []*loader.Package
	for _, root := range s {
		if strings.HasPrefix(root.PkgPath+"/", module+"/"+folder+"/") {
			within = append(within, root)
		}
	}
	return within
}

// module is the one whose packages have the markers.
const module = "github.com/orrery-dev/orrery"

// readRooms reads the markers of every loop's room.
func readRooms(from sources, entries []controllers.Entry) ([]room, error) {
	var rooms []room
	for _, e := range entries {
		asked, err := readMarkers(from.below("controllers/" + e.Room)...)
		if err != nil {
			return nil, fmt.Errorf("reading the markers of controllers/%s: %w", e.Room, err)
		}
		rooms = append(rooms, room{e, asked})
	}
	return rooms, nil
}

// readMarkers reads the RBAC markers of packages, a rule for each: controller-gen would join those of one resource, and nobody could
// tell any more what is read through the cache and what beside it.
func readMarkers(roots ...*loader.Package) (marked, error) {
	known := &markers.Registry{}
	if err := known.Register(rbac.RuleDefinition); err != nil {
		return marked{}, err
	}
	collector := &markers.Collector{Registry: known}
	var asked marked
	for _, root := range roots {
		found, err := markers.PackageMarkers(collector, root)
		if err != nil {
			return marked{}, fmt.Errorf("reading the markers of %s: %w", root.PkgPath, err)
		}
		for _, marker := range found[rbac.RuleDefinition.Name] {
			asked.add(marker.(rbac.Rule))
		}
	}
	if loader.PrintErrors(roots) {
		return marked{}, errors.New("not all packages can be read")
	}
	return asked, nil
}

// add adds what a marker asks for.
func (m *marked) add(marker rbac.Rule) {
	rule := marker.ToRule()
	if marker.Namespace == "" {
		m.rules = append(m.rules, rule)
		return
	}
	i := slices.IndexFunc(m.roles, func(role rbacv1.Role) bool { return role.Namespace == marker.Namespace })
	if i < 0 {
		i = len(m.roles)
		m.roles = append(m.roles, rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: marker.Namespace}})
	}
	m.roles[i].Rules = append(m.roles[i].Rules, rule)
}
