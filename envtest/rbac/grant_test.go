package rbac

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	upstream "k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"pgregory.net/rapid"
)

// some are rules and requests of few words, so that they are often about the same.
var some = struct{ verbs, groups, resources, names, urls *rapid.Generator[string] }{
	verbs:     rapid.SampledFrom([]string{"get", "list", "create", "*"}),
	groups:    rapid.SampledFrom([]string{"", "apps", "*"}),
	resources: rapid.SampledFrom([]string{"pods", "pods/status", "pods/log", "*", "*/status", "deployments"}),
	names:     rapid.SampledFrom([]string{"a", "b"}),
	urls:      rapid.SampledFrom([]string{"/", "/metrics", "/metrics/*", "/metrics/pods", "/met*", "*", "/healthz"}),
}

func someRule(t *rapid.T) rbacv1.PolicyRule {
	upTo := func(g *rapid.Generator[string], least int, name string) []string {
		return rapid.SliceOfN(g, least, 2).Draw(t, name)
	}
	rule := rbacv1.PolicyRule{Verbs: upTo(some.verbs, 1, "verbs")}
	if rapid.Bool().Draw(t, "of paths") {
		rule.NonResourceURLs = upTo(some.urls, 1, "urls")
		return rule
	}
	rule.APIGroups, rule.Resources, rule.ResourceNames = upTo(some.groups, 1, "groups"), upTo(some.resources, 1, "resources"), upTo(some.names, 0, "names")
	return rule
}

func someRequest(t *rapid.T) Request {
	real := func(g *rapid.Generator[string]) *rapid.Generator[string] {
		return g.Filter(func(s string) bool { return !strings.Contains(s, "*") })
	}
	if rapid.Bool().Draw(t, "a path") {
		return Request{Verb: "get", URL: real(some.urls).Draw(t, "url")}
	}
	return Request{
		Verb: real(some.verbs).Draw(t, "verb"), Group: real(some.groups).Draw(t, "group"), Resource: real(some.resources).Draw(t, "resource"),
		Name: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "name"),
	}
}

func TestARightCoversWhatTheAuthorizerAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, asked := someRule(t), someRequest(t)
		resource, sub := split(asked.Resource)
		want := upstream.RuleAllows(authorizer.AttributesRecord{
			Verb: asked.Verb, APIGroup: asked.Group, Resource: resource, Subresource: sub, Name: asked.Name, Path: asked.URL, ResourceRequest: asked.URL == "",
		}, &rule)
		got := false
		for _, g := range Grants(Role{Rules: []rbacv1.PolicyRule{rule}}) {
			got = got || g.Covers(asked)
		}
		if got != want {
			t.Errorf("that %+v allows %s: %t, want %t", rule, asked, got, want)
		}
	})
}

func TestARoleCountsInItsNamespace(t *testing.T) {
	g := Grant{Verb: "get", Resource: "pods", Namespace: "here"}
	for namespace, want := range map[string]bool{"here": true, "there": false, "": false} {
		if got := g.Covers(Request{Verb: "get", Resource: "pods", Namespace: namespace}); got != want {
			t.Errorf("in namespace %q: %t, want %t", namespace, got, want)
		}
	}
}
