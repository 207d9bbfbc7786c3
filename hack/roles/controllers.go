package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// readings are the verbs of an informer.
var readings = []string{"list", "watch"}

// writeControllers writes the roles of the loops and of the cache that they share. A file of a loop that is no more is removed.
func writeControllers(config string, rooms []room) error {
	folder := filepath.Join(config, "rbac", "controllers")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var cached []rbacv1.PolicyRule
	for _, r := range rooms {
		own, shared := split(r.rules)
		cached = append(cached, shared...)
		if err := writeRoles(filepath.Join(folder, r.Loop.Name()+".yaml"), "orrery:controller:"+r.Loop.Name(), own, r.roles...); err != nil {
			return err
		}
	}
	return writeRoles(filepath.Join(config, "rbac", "components", "controller-cache.yaml"), "orrery:controller-cache", cached)
}

// split parts what a loop asks for into what it does itself and what the shared cache reads for it: what a marker says that it lists
// and watches, of resources that it names, everywhere. Who asks for all resources there are, for one namespace or for one object has
// a cache of its own for them, as there is no other; and nobody shares a cache of secrets. A marker that lists and does not watch is
// of who asks the API server itself.
func split(rules []rbacv1.PolicyRule) (own, shared []rbacv1.PolicyRule) {
	for _, rule := range rules {
		if !informs(rule) {
			own = append(own, rule)
			continue
		}
		for _, resource := range rule.Resources {
			this := *rule.DeepCopy()
			this.Resources = []string{resource}
			if areSecrets(this) {
				own = append(own, this)
				continue
			}
			seen := *this.DeepCopy()
			seen.Verbs = readings
			shared = append(shared, seen)
			this.Verbs = slices.DeleteFunc(this.Verbs, func(verb string) bool { return slices.Contains(readings, verb) })
			if len(this.Verbs) > 0 {
				own = append(own, this)
			}
		}
	}
	return own, shared
}

// informs reports that an informer of all objects of a rule's resources is what the rule is for.
func informs(rule rbacv1.PolicyRule) bool {
	for _, verb := range readings {
		if !slices.Contains(rule.Verbs, verb) {
			return false
		}
	}
	return len(rule.ResourceNames) == 0 && !slices.Contains(rule.APIGroups, rbacv1.APIGroupAll) && !slices.Contains(rule.Resources, rbacv1.ResourceAll)
}

// areSecrets reports that a rule is about Secrets.
func areSecrets(rule rbacv1.PolicyRule) bool {
	return slices.Contains(rule.APIGroups, "") && slices.Contains(rule.Resources, "secrets")
}

// writeRoles writes a ClusterRole, and Roles for single namespaces, into one file.
func writeRoles(path, name string, rules []rbacv1.PolicyRule, roles ...rbacv1.Role) error {
	cluster := rbacv1.ClusterRole{TypeMeta: typeOf("ClusterRole"), ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: merge(rules)}
	objects := []any{cluster}
	for _, role := range roles {
		objects = append(objects, rbacv1.Role{
			TypeMeta: typeOf("Role"), ObjectMeta: metav1.ObjectMeta{Namespace: role.Namespace, Name: name}, Rules: merge(role.Rules),
		})
	}
	if len(cluster.Rules) == 0 {
		objects = objects[1:]
	}
	if err := writeYAML(path, objects...); err != nil {
		return fmt.Errorf("writing the roles of %s: %w", name, err)
	}
	return nil
}

func typeOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}
