package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

// page is what stands above the table.
const page = `# Who may do what

<!-- Written by make manifests from the roles in config/rbac. Do not edit. -->

Each control loop of ` + "`orrery up`" + `, and each other component, is somebody of its own to the API server, and may do what
is said here and nothing besides. The rights are generated from the RBAC markers beside the code that needs them;
[test/rights](../test/rights) shows that nothing else is ever asked for, and gives the reason for each right that its
session does not use.

A loop whose line says *every resource* acts on objects of any kind, also of one that is defined tomorrow, as the collection of
garbage and the deletion of a namespace do. They read nothing but metadata, but RBAC has no word for that: they could read
Secrets. No other component reads Secrets of the whole cluster but the loops that fill Secrets with tokens of service accounts and
clear such tokens away, and the simulated nodes, which are many nodes in one.

Loops read through one cache, which they share. What it reads for them is its own right, and none of theirs: a loop that is
not listed with a verb of reading reads the resource there, or not at all. No cache that is shared holds Secrets.

`

// writeTable writes the page that says who may do what, of the roles that lie below the folder config.
func writeTable(config, docs string) error {
	policy, err := identity.PolicyFrom(os.DirFS(filepath.Join(config, "rbac")))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "security-rights.md"), []byte(page+table(policy)), 0o644)
}

// table is a policy as a table: a line for each resource that somebody may do something with.
func table(policy identity.Policy) string {
	lines := []string{"| who | what | may |", "|---|---|---|"}
	for _, who := range subjects(policy) {
		name := "`" + who + "`"
		for _, line := range rights(policy, who) {
			lines = append(lines, fmt.Sprintf("| %s | %s | %s |", name, line.what, line.may))
			name = ""
		}
	}
	lines = append(lines,
		"| `system:node:NAME` | what its own pods need, and itself | by the Node authorizer and NodeRestriction, as on any cluster |")
	return strings.Join(lines, "\n") + "\n"
}

// right is a line of the table without its first column.
type right struct{ what, may string }

// rights are those of a user.
func rights(policy identity.Policy, user string) []right {
	var all []right
	for _, binding := range policy.ClusterRoleBindings {
		if binding.Subjects[0].Name != user {
			continue
		}
		at := slices.IndexFunc(policy.ClusterRoles, func(role rbacv1.ClusterRole) bool { return role.Name == binding.RoleRef.Name })
		if at < 0 {
			all = append(all, right{"what Kubernetes has the role `" + binding.RoleRef.Name + "` for", "all that it allows"})
			continue
		}
		all = append(all, allowed(policy.ClusterRoles[at].Rules, "")...)
	}
	for _, role := range policy.Roles {
		if role.Name == user {
			all = append(all, allowed(role.Rules, " in "+role.Namespace)...)
		}
	}
	return all
}

// allowed says what rules allow.
func allowed(rules []rbacv1.PolicyRule, where string) []right {
	var all []right
	for _, rule := range merge(rules) {
		var what []string
		for _, resource := range rule.Resources {
			what = append(what, named(rule.APIGroups[0], resource))
		}
		what = append(what, rule.NonResourceURLs...)
		text := strings.Join(what, ", ") + where
		if len(rule.ResourceNames) > 0 {
			text += " called " + strings.Join(rule.ResourceNames, ", ")
		}
		all = append(all, right{text, strings.Join(rule.Verbs, ", ")})
	}
	return all
}

// named is a resource by its name and group, as kubectl takes it.
func named(group, resource string) string {
	switch {
	case group == rbacv1.APIGroupAll && resource == rbacv1.ResourceAll:
		return "every resource"
	case group == "":
		return resource
	default:
		name, sub, _ := strings.Cut(resource, "/")
		return strings.TrimSuffix(name+"."+group+"/"+sub, "/")
	}
}

// subjects are whom something is granted, in the order of their names.
func subjects(policy identity.Policy) []string {
	var all []string
	for _, binding := range policy.ClusterRoleBindings {
		all = append(all, binding.Subjects[0].Name)
	}
	for _, binding := range policy.RoleBindings {
		all = append(all, binding.Subjects[0].Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
