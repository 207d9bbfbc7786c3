package identity

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The groups of those who make machines nodes.
const (
	// Bootstrappers is the group that a bootstrap token gives to who shows it, unless it says otherwise. It has kubeadm's name.
	Bootstrappers = "system:bootstrappers:kubeadm:default-node-token"
	// Nodes is the group of all nodes.
	Nodes = "system:nodes"
)

// The ConfigMaps that a new node reads. ClusterInfo, in the namespace kube-public, everybody can read; NodeConfig is in kube-system.
const (
	ClusterInfo = "cluster-info"
	NodeConfig  = "orrery-config"
)

// JoiningPolicy is what lets other machines become nodes, be nodes and leave. As with kubeadm,
//
//   - everybody can read the ConfigMap cluster-info, and nothing else by this;
//   - who has a bootstrap token can see whether a Node's name is taken, read what nodes have to know of the cluster, and request a
//     node's client certificate, which is approved at once;
//   - a node can renew its certificate.
//
// Besides, a node can request the certificate of its own server, can delete its own Node (to which the admission plugin
// NodeRestriction holds it), and has the rights of the service proxy and of the DNS server, which run in its process and by its name.
func JoiningPolicy() (Policy, error) {
	own, err := DefaultPolicy()
	if err != nil {
		return Policy{}, err
	}
	var p Policy
	p.grant("orrery:kubelet-bootstrap", "system:node-bootstrapper", group(Bootstrappers))
	p.grant("orrery:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", group(Bootstrappers))
	p.grant("orrery:node-autoapprove-certificate-rotation", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", group(Nodes))
	p.allow("orrery:get-nodes", group(Bootstrappers), rule("", "nodes", "get"))
	p.allow("orrery:node-autoapprove-serving", group(Nodes), rule("certificates.k8s.io", "certificatesigningrequests/selfnodeserver", "create"))
	p.allow("orrery:node-leave", group(Nodes), rule("", "nodes", "delete"))
	p.allowIn(metav1.NamespacePublic, "orrery:cluster-info", rule("", "configmaps", "get", ClusterInfo),
		rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "system:anonymous"}, group(Bootstrappers))
	p.allowIn(metav1.NamespaceSystem, "orrery:node-config", rule("", "configmaps", "get", NodeConfig), group(Bootstrappers), group(Nodes))
	for _, part := range []Identity{Proxy, DNS} {
		p.lend(own, part)
	}
	return p, nil
}

// Add is both policies in one.
func (p Policy) Add(more Policy) Policy {
	return Policy{
		ClusterRoles:        slices.Concat(p.ClusterRoles, more.ClusterRoles),
		ClusterRoleBindings: slices.Concat(p.ClusterRoleBindings, more.ClusterRoleBindings),
		Roles:               slices.Concat(p.Roles, more.Roles),
		RoleBindings:        slices.Concat(p.RoleBindings, more.RoleBindings),
	}
}

// lend gives nodes the rights that a component has.
func (p *Policy) lend(own Policy, part Identity) {
	name := "orrery:nodes:" + part.User
	for i := range own.ClusterRoles {
		if own.ClusterRoles[i].Name == part.User {
			p.grant(name, part.User, group(Nodes))
		}
	}
	for i := range own.Roles {
		if role := &own.Roles[i]; role.Name == part.User {
			p.RoleBindings = append(p.RoleBindings, roleBinding(role.Namespace, name, role.Name, group(Nodes)))
		}
	}
}

// grant binds a ClusterRole that is there anyway.
func (p *Policy) grant(name, role string, to ...rbacv1.Subject) {
	p.ClusterRoleBindings = append(p.ClusterRoleBindings, rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{ManagedBy: Manager}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   to,
	})
}

// allow makes a ClusterRole, and binds it.
func (p *Policy) allow(name string, to rbacv1.Subject, what rbacv1.PolicyRule) {
	p.ClusterRoles = append(p.ClusterRoles, rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{ManagedBy: Manager}}, Rules: []rbacv1.PolicyRule{what},
	})
	p.grant(name, name, to)
}

// allowIn makes a Role in a namespace, and binds it.
func (p *Policy) allowIn(namespace, name string, what rbacv1.PolicyRule, to ...rbacv1.Subject) {
	p.Roles = append(p.Roles, rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{ManagedBy: Manager}},
		Rules:      []rbacv1.PolicyRule{what},
	})
	p.RoleBindings = append(p.RoleBindings, roleBinding(namespace, name, name, to...))
}

func roleBinding(namespace, name, role string, to ...rbacv1.Subject) rbacv1.RoleBinding {
	return rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{ManagedBy: Manager}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
		Subjects:   to,
	}
}

func group(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}
}

// rule is one verb on one resource, of the objects that are named; of all, where none are.
func rule(apiGroup, resource, verb string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{apiGroup}, Resources: []string{resource}, Verbs: []string{verb}, ResourceNames: names}
}
