package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	rbacconfig "github.com/orrery-dev/orrery/config/rbac"
)

// Policy is what is bound to whom.
type Policy struct {
	ClusterRoles        []rbacv1.ClusterRole
	ClusterRoleBindings []rbacv1.ClusterRoleBinding
	// Roles and RoleBindings are for what a component needs in one namespace only.
	Roles        []rbacv1.Role
	RoleBindings []rbacv1.RoleBinding
}

// ManagedBy is the label, and its value, of every role and binding in a Policy.
const (
	ManagedBy = "app.kubernetes.io/managed-by"
	Manager   = "orrery"
)

// components are the identities whose roles are in the folder components of package config/rbac, in a file that is named after
// the user. Those of control loops are in the folder controllers, in files that are named after the loops.
var components = []Identity{ControllerCache, Scheduler, Proxy, DNS, Ingress, Storage, MetricsServer, SimulatedNodes}

// granted are the identities that do the same as somebody whom Kubernetes has a role for.
var granted = []struct {
	identity Identity
	role     string
}{
	{Admin, "cluster-admin"},
	{APIServer, "system:kubelet-api-admin"},
}

// DefaultPolicy returns the roles and bindings of all components.
func DefaultPolicy() (Policy, error) { return PolicyFrom(rbacconfig.Roles) }

// PolicyFrom returns the roles and bindings of all components, of which files holds the roles as package config/rbac does.
func PolicyFrom(files fs.FS) (Policy, error) {
	var policy Policy
	for _, grant := range granted {
		policy.ClusterRoleBindings = append(policy.ClusterRoleBindings, bind(grant.identity, grant.role))
	}
	paths, err := fs.Glob(files, "*/*.yaml")
	if err != nil {
		return Policy{}, fmt.Errorf("listing generated roles: %w", err)
	}
	for _, path := range paths {
		identity, err := ownerOf(path)
		if err != nil {
			return Policy{}, fmt.Errorf("reading generated roles %s: %w", path, err)
		}
		if err := policy.add(files, path, identity); err != nil {
			return Policy{}, fmt.Errorf("reading generated roles %s: %w", path, err)
		}
	}
	return policy, nil
}

// Controllers are the control loops that there are generated roles for.
func Controllers() ([]Identity, error) {
	paths, err := fs.Glob(rbacconfig.Roles, controllerFolder+"/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing generated roles: %w", err)
	}
	var all []Identity
	for _, path := range paths {
		identity, err := ownerOf(path)
		if err != nil {
			return nil, fmt.Errorf("reading generated roles %s: %w", path, err)
		}
		all = append(all, identity)
	}
	return all, nil
}

// The folders of package config/rbac that hold generated roles.
const (
	controllerFolder = "controllers"
	componentFolder  = "components"
)

// ownerOf is whose roles are in a file.
func ownerOf(path string) (Identity, error) {
	folder, file, _ := strings.Cut(path, "/")
	name := strings.TrimSuffix(file, ".yaml")
	switch folder {
	case controllerFolder:
		return Controller(name), nil
	case componentFolder:
		at := slices.IndexFunc(components, func(identity Identity) bool { return identity.User == "orrery:"+name })
		if at >= 0 {
			return components[at], nil
		}
	}
	return Identity{}, errors.New("no component has this name")
}

// add reads the roles of an identity from a file, and binds them to it.
func (p *Policy) add(files fs.FS, path string, identity Identity) error {
	data, err := fs.ReadFile(files, path)
	if err != nil {
		return err
	}
	// A ClusterRole is a Role without a namespace, as far as its fields are filled in here.
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		var role rbacv1.Role
		if err := yaml.UnmarshalStrict(document, &role); err != nil {
			return err
		}
		role.Name, role.Labels = identity.User, map[string]string{ManagedBy: Manager}
		switch {
		case role.Kind == "ClusterRole" && role.Namespace == "":
			role.TypeMeta = metav1.TypeMeta{}
			p.ClusterRoles = append(p.ClusterRoles, rbacv1.ClusterRole{ObjectMeta: role.ObjectMeta, Rules: role.Rules})
			p.ClusterRoleBindings = append(p.ClusterRoleBindings, bind(identity, role.Name))
		case role.Kind == "Role" && role.Namespace != "":
			role.TypeMeta = metav1.TypeMeta{}
			p.Roles = append(p.Roles, role)
			p.RoleBindings = append(p.RoleBindings, bindIn(role.Namespace, identity, role.Name))
		default:
			return fmt.Errorf("kind %q with namespace %q is neither a ClusterRole nor a Role", role.Kind, role.Namespace)
		}
	}
	return nil
}

// bind makes a binding that is called after both of its ends, for instance orrery:apiserver:system:kubelet-api-admin.
func bind(identity Identity, role string) rbacv1.ClusterRoleBinding {
	name := identity.User
	if role != name {
		name += ":" + role
	}
	return rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{ManagedBy: Manager}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{identity.subject()},
	}
}

// bindIn binds a Role in its namespace.
func bindIn(namespace string, identity Identity, role string) rbacv1.RoleBinding {
	return rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role, Labels: map[string]string{ManagedBy: Manager}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
		Subjects:   []rbacv1.Subject{identity.subject()},
	}
}

func (i Identity) subject() rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: i.User}
}
