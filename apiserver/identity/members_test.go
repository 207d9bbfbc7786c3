package identity

import (
	"slices"
	"testing"
)

func TestATokenForNodesMakesNoMembers(t *testing.T) {
	joining, err := JoiningPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range joining.ClusterRoles {
		for _, rule := range role.Rules {
			if slices.Contains(rule.NonResourceURLs, MemberPath) {
				t.Errorf("ClusterRole %s lets nodes become members", role.Name)
			}
		}
	}
	for _, binding := range MembersPolicy().ClusterRoleBindings {
		for _, subject := range binding.Subjects {
			if subject.Name != MemberBootstrappers {
				t.Errorf("%s of %s may become a member", subject.Name, binding.Name)
			}
		}
	}
}

func TestNobodyHoldsTheLeaseOfAnother(t *testing.T) {
	holders := map[string]string{}
	p := MembersPolicy()
	for _, binding := range p.RoleBindings {
		holders[binding.RoleRef.Name] = binding.Subjects[0].Name
	}
	for lease, who := range map[string]Identity{ControllersLease: ControllerCache, SchedulerLease: Scheduler, SimulatedNodesLease: SimulatedNodes} {
		if holder := holders["orrery:leader-election:"+lease]; holder != who.User {
			t.Errorf("lease %s is held by %q, want %s", lease, holder, who.User)
		}
	}
	for _, role := range p.Roles {
		for _, rule := range role.Rules {
			if slices.Contains(rule.Verbs, "update") && len(rule.ResourceNames) != 1 {
				t.Errorf("Role %s lets its holder change %v", role.Name, rule.ResourceNames)
			}
		}
	}
}
