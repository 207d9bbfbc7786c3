package rights_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// granted is a right that a role gives.
type granted struct {
	user string
	auditlog.Right
}

func (g granted) String() string {
	return fmt.Sprintf("%s may %s %s", g.user, g.Verb, strings.TrimSuffix(g.Resource+"."+g.Group, "."))
}

// grants are all that a policy grants in roles of ours.
func grants(policy identity.Policy) []granted {
	var all []granted
	add := func(user string, rules []rbacv1.PolicyRule) {
		for _, rule := range rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						all = append(all, granted{user, auditlog.Right{Group: group, Resource: resource, Verb: verb}})
					}
				}
			}
		}
	}
	for _, role := range policy.ClusterRoles {
		add(role.Name, role.Rules)
	}
	for _, role := range policy.Roles {
		add(role.Name, role.Rules)
	}
	return all
}

// usedBy reports that somebody has needed the right.
func (g granted) usedBy(did *auditlog.Activity) bool {
	if did == nil {
		return false
	}
	for used := range did.Used {
		if used.Verb == g.Verb && (g.Group == rbacv1.APIGroupAll || g.Group == used.Group) && g.isAbout(used.Resource) {
			return true
		}
	}
	return false
}

// isAbout reports that the right is one on a resource, by its name, as any, or as a subresource of any.
func (g granted) isAbout(resource string) bool {
	ofAny, isSub := strings.CutPrefix(g.Resource, rbacv1.ResourceAll+"/")
	return g.Resource == rbacv1.ResourceAll || g.Resource == resource || isSub && strings.HasSuffix(resource, "/"+ofAny)
}

// everythingIsUsed holds that each right was used, or has a reason.
func everythingIsUsed(t *testing.T, did map[string]*auditlog.Activity) {
	t.Helper()
	policy, err := identity.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	all := grants(policy)
	for _, g := range all {
		if g.usedBy(did[g.user]) {
			continue
		}
		if i := slices.IndexFunc(unused, func(r reason) bool { return r.covers(g, all) }); i >= 0 {
			t.Logf("%s and did not: %s", g, unused[i].why)
			continue
		}
		t.Errorf("%s and did not: take the verb out of its marker, use it in the session, or give the reason in unused", g)
	}
	for _, r := range unused {
		if !slices.ContainsFunc(all, func(g granted) bool { return r.covers(g, all) }) {
			t.Errorf("nobody has a right that is not used because %s", r.why)
		}
	}
}
