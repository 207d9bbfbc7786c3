package main

import (
	"errors"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-tools/pkg/genall"
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

// readMarkers reads the RBAC markers of packages, as controller-gen does.
func readMarkers(roots ...*loader.Package) (marked, error) {
	known := &markers.Registry{}
	if err := (rbac.Generator{}).RegisterMarkers(known); err != nil {
		return marked{}, err
	}
	generation := &genall.GenerationContext{Collector: &markers.Collector{Registry: known}, Roots: roots}
	generated, err := rbac.GenerateRoles(generation, "any")
	if err != nil {
		return marked{}, err
	}
	if loader.PrintErrors(roots) {
		return marked{}, errors.New("not all packages can be read")
	}
	var asked marked
	for _, role := range generated {
		switch role := role.(type) {
		case rbacv1.ClusterRole:
			asked.rules = append(asked.rules, role.Rules...)
		case rbacv1.Role:
			asked.roles = append(asked.roles, role)
		default:
			return marked{}, fmt.Errorf("controller-gen made a %T", role)
		}
	}
	return asked, nil
}
