package identity

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MemberBootstrappers is the group that a bootstrap token gives to a machine that is to become a member of the control plane. Who is in
// it can become anybody: no token has it unless a person says so.
const MemberBootstrappers = "system:bootstrappers:orrery:control-plane"

// MemberPath is where a machine asks to become a member.
const MemberPath = "/orrery/members"

// The leases by which members agree on which of them acts, in the namespace kube-system.
const (
	ControllersLease    = "orrery-controllers"
	SchedulerLease      = "orrery-scheduler"
	SimulatedNodesLease = "orrery-simulated-nodes"
)

// MembersPolicy is what a control plane of several members needs besides: who has a token for it can ask to become one, and what acts on
// one member only can hold its lease.
func MembersPolicy() Policy {
	var p Policy
	p.allow("orrery:join-member", group(MemberBootstrappers), rbacv1.PolicyRule{Verbs: []string{"get", "post"}, NonResourceURLs: []string{MemberPath}})
	for lease, who := range map[string]Identity{
		ControllersLease: ControllerCache, SchedulerLease: Scheduler, SimulatedNodesLease: SimulatedNodes,
	} {
		name := "orrery:leader-election:" + lease
		p.Roles = append(p.Roles, rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: name, Labels: map[string]string{ManagedBy: Manager}},
			Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create"}}, // no name is known then
				{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "update", "watch"}, ResourceNames: []string{lease}},
				{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}},
			},
		})
		subject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: who.User}
		p.RoleBindings = append(p.RoleBindings, roleBinding(metav1.NamespaceSystem, name, name, subject))
	}
	return p
}
