package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	rbacconfig "github.com/orrery-dev/orrery/config/rbac"
)

// Policy is what is bound to whom.
type Policy struct {
	ClusterRoles        []rbacv1.ClusterRole
	ClusterRoleBindings []rbacv1.ClusterRoleBinding
}

// grants lists the roles of each identity by name, besides the generated one.
var grants = []struct {
	identity Identity
	roles    []string
}{
	{Admin, []string{"cluster-admin"}},
	{APIServer, []string{"system:kubelet-api-admin"}},
	{Scheduler, []string{"system:kube-scheduler", "system:volume-scheduler"}},
	{Proxy, []string{"system:node-proxier"}},
	{SimulatedNodes, []string{"system:node", "system:auth-delegator"}},
	{Controllers, []string{
		"system:kube-controller-manager",
		"system:controller:attachdetach-controller",
		"system:controller:certificate-controller",
		"system:controller:clusterrole-aggregation-controller",
		"system:controller:cronjob-controller",
		"system:controller:daemon-set-controller",
		"system:controller:deployment-controller",
		"system:controller:disruption-controller",
		"system:controller:endpoint-controller",
		"system:controller:endpointslice-controller",
		"system:controller:endpointslicemirroring-controller",
		"system:controller:ephemeral-volume-controller",
		"system:controller:expand-controller",
		"system:controller:generic-garbage-collector",
		"system:controller:horizontal-pod-autoscaler",
		"system:controller:job-controller",
		"system:controller:namespace-controller",
		"system:controller:node-controller",
		"system:controller:persistent-volume-binder",
		"system:controller:pod-garbage-collector",
		"system:controller:pv-protection-controller",
		"system:controller:pvc-protection-controller",
		"system:controller:replicaset-controller",
		"system:controller:replication-controller",
		"system:controller:resourcequota-controller",
		"system:controller:root-ca-cert-publisher",
		"system:controller:service-account-controller",
		"system:controller:statefulset-controller",
		"system:controller:ttl-after-finished-controller",
		"system:controller:ttl-controller",
	}},
}

// generated says which file of config/rbac belongs to which identity: controllers.yaml to orrery:controllers.
func generated(name string) (Identity, bool) {
	for _, grant := range grants {
		if "orrery:"+strings.TrimSuffix(name, ".yaml") == grant.identity.User {
			return grant.identity, true
		}
	}
	return Identity{}, false
}

// DefaultPolicy returns the roles and bindings of all components. With twoNames each rule about objects with two
// names covers both of them.
func DefaultPolicy(twoNames bool) (Policy, error) {
	return policyFrom(rbacconfig.Components, twoNames)
}

func policyFrom(files fs.FS, twoNames bool) (Policy, error) {
	var policy Policy
	for _, grant := range grants {
		for _, role := range grant.roles {
			policy.ClusterRoleBindings = append(policy.ClusterRoleBindings, bind(grant.identity, role))
		}
	}
	names, err := fs.Glob(files, "components/*.yaml")
	if err != nil {
		return Policy{}, fmt.Errorf("listing generated roles: %w", err)
	}
	for _, path := range names {
		role, err := readRole(files, path)
		if err != nil {
			return Policy{}, err
		}
		identity, ok := generated(strings.TrimPrefix(path, "components/"))
		if !ok {
			return Policy{}, fmt.Errorf("reading generated role %s: no component has this name", path)
		}
		role.Name = identity.User
		if twoNames {
			for i := range role.Rules {
				role.Rules[i].APIGroups = bothNames(role.Rules[i].APIGroups)
			}
		}
		policy.ClusterRoles = append(policy.ClusterRoles, role)
		policy.ClusterRoleBindings = append(policy.ClusterRoleBindings, bind(identity, role.Name))
	}
	return policy, nil
}

func readRole(files fs.FS, path string) (rbacv1.ClusterRole, error) {
	var role rbacv1.ClusterRole
	data, err := fs.ReadFile(files, path)
	if err == nil {
		err = yaml.UnmarshalStrict(data, &role)
	}
	if err == nil && role.Kind != "ClusterRole" {
		err = errors.New("it is not a ClusterRole")
	}
	if err != nil {
		return role, fmt.Errorf("reading generated role %s: %w", path, err)
	}
	return role, nil
}

// bothNames adds to groups their Orrery names.
func bothNames(groups []string) []string {
	both := slices.Clone(groups)
	for _, group := range groups {
		if name := apis.Orrery.Group(group); !slices.Contains(both, name) {
			both = append(both, name)
		}
	}
	return both
}

// bind makes a binding that is called after both of its ends, for instance orrery:scheduler:system:volume-scheduler.
func bind(identity Identity, role string) rbacv1.ClusterRoleBinding {
	name := identity.User
	if role != name {
		name += ":" + role
	}
	return rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "orrery"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: identity.User}},
	}
}
