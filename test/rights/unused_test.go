package rights_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest/rbac"
	"github.com/orrery-dev/orrery/test/auditlog"
)

// rolesOf are the roles that a policy has for each user of ours, whose names they have.
func rolesOf(policy identity.Policy) map[string][]rbac.Role {
	roles := map[string][]rbac.Role{}
	for _, role := range policy.ClusterRoles {
		roles[role.Name] = append(roles[role.Name], rbac.Role{Name: "ClusterRole " + role.Name, Rules: role.Rules})
	}
	for _, role := range policy.Roles {
		roles[role.Name] = append(roles[role.Name], rbac.Role{Name: "Role " + role.Name, Namespace: role.Namespace, Rules: role.Rules})
	}
	return roles
}

// everythingIsUsed holds that each right was used, or has a reason.
func everythingIsUsed(t *testing.T, did map[string]*auditlog.Activity) {
	t.Helper()
	policy, err := identity.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	about := make([]bool, len(unused)) // something that is granted
	for user, roles := range rolesOf(policy) {
		granted := rbac.Grants(roles...)
		var reasons []rbac.Reason
		for i, r := range unused {
			if strings.HasPrefix(user, r.who) {
				reasons = append(reasons, r.of())
				about[i] = about[i] || slices.ContainsFunc(granted, func(g rbac.Grant) bool { return r.of().Covers(g, granted) })
			}
		}
		judged := rbac.Judge(granted, did[user].Allowed(), slices.Concat(reasons, rbac.Loops()))
		for _, g := range judged.Unused {
			t.Errorf("%s may %s %s and did not, by %s: take the verb out of its marker, use it in the session, or give the reason in unused", user, g.Verb, g.What(), g.By)
		}
		for _, excuse := range judged.Excused {
			t.Logf("%s may %s %s and did not: %s", user, excuse.Grant.Verb, excuse.Grant.What(), excuse.Why)
		}
	}
	for i, r := range unused {
		if !about[i] {
			t.Errorf("nobody has a right that is not used because %s", r.why)
		}
	}
}
