package main

import (
	"errors"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-tools/pkg/genall"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
	"sigs.k8s.io/controller-tools/pkg/rbac"
)

// markedRules are the rules that the RBAC markers in packages ask for, as controller-gen reads them.
func markedRules(packages []string) ([]rbacv1.PolicyRule, error) {
	roots, err := loader.LoadRoots(packages...)
	if err != nil {
		return nil, err
	}
	known := &markers.Registry{}
	if err := (rbac.Generator{}).RegisterMarkers(known); err != nil {
		return nil, err
	}
	generation := &genall.GenerationContext{Collector: &markers.Collector{Registry: known}, Roots: roots}
	generated, err := rbac.GenerateRoles(generation, "any")
	if err != nil {
		return nil, err
	}
	if loader.PrintErrors(roots) {
		return nil, errors.New("not all packages can be read")
	}
	var rules []rbacv1.PolicyRule
	for _, role := range generated {
		cluster, ok := role.(rbacv1.ClusterRole)
		if !ok {
			return nil, fmt.Errorf("a %T is asked for: a manager has rights in all namespaces, or none", role)
		}
		rules = append(rules, cluster.Rules...)
	}
	return rules, nil
}
