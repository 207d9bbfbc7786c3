package rbac

import (
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Role is a Role or a ClusterRole as it is bound to somebody.
type Role struct {
	// Name is what it is called, in words: "ClusterRole manager-role (config/rbac/role.yaml)".
	Name string
	// Namespace is the one that it counts in; empty means everywhere.
	Namespace string
	// Rules are what it grants.
	Rules []rbacv1.PolicyRule
	// Places are where the rules stand, in words, one for each of Rules. Nil means that they are told by their number in the role.
	Places []string
}

// Grant is a single right that a rule gives, with RBAC's wildcards.
type Grant struct {
	// Verb is what may be done; "*" is everything.
	Verb string
	// Group and Resource are on what, the latter with the subresource. "*" are all, and "*/status" is that subresource of all.
	Group, Resource string
	// Name is the one object that it is for; empty means all.
	Name string
	// URL is the path that it is for in the place of a resource. One that ends in "*" is for all that begin so.
	URL string
	// Namespace is the one that it counts in; empty means everywhere.
	Namespace string
	// By says which rule gives it.
	By string
}

// Grants are all rights that roles give.
func Grants(roles ...Role) []Grant {
	var all []Grant
	for _, role := range roles {
		for i, rule := range role.Rules {
			place := fmt.Sprintf("rule %d of %s", i+1, role.Name)
			if role.Places != nil {
				place = role.Places[i]
			}
			for _, verb := range rule.Verbs {
				all = append(all, grants(rule, Grant{Verb: verb, Namespace: role.Namespace, By: place})...)
			}
		}
	}
	return all
}

// grants are the rights that a rule gives with one of its verbs.
func grants(rule rbacv1.PolicyRule, g Grant) []Grant {
	var all []Grant
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, g.Group = range rule.APIGroups {
		for _, g.Resource = range rule.Resources {
			for _, g.Name = range names {
				all = append(all, g)
			}
		}
	}
	if g.Namespace != "" {
		return all // paths are in no namespace
	}
	g.Group, g.Resource, g.Name = "", "", ""
	for _, g.URL = range rule.NonResourceURLs {
		all = append(all, g)
	}
	return all
}

// What is what the right is on: a resource with its group, as in "pods" or "deployments.apps/status", or a path.
func (g Grant) What() string {
	if g.URL != "" {
		return g.URL
	}
	return qualified(g.Group, g.Resource)
}

// Covers reports that a request is allowed by the right.
func (g Grant) Covers(r Request) bool {
	if g.Verb != rbacv1.VerbAll && g.Verb != r.Verb || g.Namespace != "" && g.Namespace != r.Namespace {
		return false
	}
	if g.URL != "" || r.URL != "" {
		return coversURL(g.URL, r.URL)
	}
	return (g.Group == rbacv1.APIGroupAll || g.Group == r.Group) && coversResource(g.Resource, r.Resource) && (g.Name == "" || g.Name == r.Name)
}

func coversURL(granted, asked string) bool {
	return granted == asked || asked != "" && strings.HasSuffix(granted, "*") && strings.HasPrefix(asked, strings.TrimRight(granted, "*"))
}

// coversResource compares resources by name, as any, or as a subresource of any.
func coversResource(granted, asked string) bool {
	ofAny, isSub := strings.CutPrefix(granted, rbacv1.ResourceAll+"/")
	return granted == rbacv1.ResourceAll || granted == asked || isSub && strings.HasSuffix(asked, "/"+ofAny)
}

// itself is the request that only the right covers, or another that is as wide: its wildcards ask for themselves.
func (g Grant) itself() Request {
	return Request{Verb: g.Verb, Group: g.Group, Resource: g.Resource, Namespace: g.Namespace, Name: g.Name, URL: g.URL}
}
