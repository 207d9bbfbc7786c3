package apiserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	typedrbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

// transientBackoff is how a write is tried again while the server is still coming up: for about 20 seconds.
var transientBackoff = wait.Backoff{Duration: 20 * time.Millisecond, Factor: 1.5, Jitter: 0.2, Steps: 16, Cap: 5 * time.Second}

// roleBook is every role and binding that the control plane needs to exist: those of Kubernetes, and our own.
type roleBook struct {
	clusterRoles    []rbacv1.ClusterRole
	clusterBindings []rbacv1.ClusterRoleBinding
	roles           []rbacv1.Role
	bindings        []rbacv1.RoleBinding
}

func newRoleBook(nodesJoin, peered bool) (roleBook, error) {
	policy, err := identity.DefaultPolicy()
	if err != nil {
		return roleBook{}, err
	}
	if nodesJoin {
		joining, err := identity.JoiningPolicy()
		if err != nil {
			return roleBook{}, err
		}
		policy = policy.Add(joining)
	}
	if peered {
		policy = policy.Add(identity.MembersPolicy())
	}
	book := roleBook{
		clusterRoles: policy.ClusterRoles, clusterBindings: policy.ClusterRoleBindings,
		roles: policy.Roles, bindings: policy.RoleBindings,
	}
	book.clusterRoles = append(book.clusterRoles, metricsReader())
	book.clusterRoles = append(book.clusterRoles, bootstrappolicy.ClusterRoles()...)
	book.clusterRoles = append(book.clusterRoles, bootstrappolicy.ControllerRoles()...)
	book.clusterBindings = append(book.clusterBindings, bootstrappolicy.ClusterRoleBindings()...)
	book.clusterBindings = append(book.clusterBindings, bootstrappolicy.ControllerRoleBindings()...)
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		book.roles = append(book.roles, roles...)
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		book.bindings = append(book.bindings, bindings...)
	}
	return book, nil
}

// metricsReader lets whoever may view, edit or administer a namespace see what its pods use; metrics-server brings the same role.
func metricsReader() rbacv1.ClusterRole {
	role := rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "system:aggregated-metrics-reader", Labels: map[string]string{}},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"metrics.k8s.io"}, Resources: []string{"pods", "nodes"}, Verbs: []string{"get", "list", "watch"},
		}},
	}
	for _, to := range []string{"view", "edit", "admin"} {
		role.Labels["rbac.authorization.k8s.io/aggregate-to-"+to] = "true"
	}
	return role
}

// ensureRoles creates the roles that are missing and adds to the others the rules they lack, as Kubernetes does at
// every start: rules that a person added stay, and an object annotated rbac.authorization.kubernetes.io/autoupdate:
// "false" is left alone. Those of our components lose what the component does not need any more, and bindings that an
// earlier release made for them are deleted: who wants a component to do more makes a binding of their own.
func ensureRoles(ctx context.Context, config *rest.Config, nodesJoin, peered bool) error {
	book, err := newRoleBook(nodesJoin, peered)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client for roles: %w", err)
	}
	rbac := clients.RbacV1()
	known, err := knownNames(ctx, rbac)
	if err != nil {
		return err
	}
	if err := each(ctx, book.clusterRoles, func(ctx context.Context, role *rbacv1.ClusterRole) error {
		if !known.roles[role.Name] {
			_, err := rbac.ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
			if err == nil {
				return nil
			}
		}
		return reconcileRole("ClusterRole "+role.Name, reconciliation.ReconcileRoleOptions{
			Role:                   reconciliation.ClusterRoleRuleOwner{ClusterRole: role},
			Client:                 reconciliation.ClusterRoleModifier{Client: rbac.ClusterRoles()},
			RemoveExtraPermissions: ours(role),
		})
	}); err != nil {
		return err
	}
	if err := each(ctx, book.clusterBindings, func(ctx context.Context, binding *rbacv1.ClusterRoleBinding) error {
		if !known.bindings[binding.Name] {
			_, err := rbac.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
			if err == nil {
				return nil
			}
		}
		return reconcileBinding("ClusterRoleBinding "+binding.Name, reconciliation.ReconcileRoleBindingOptions{
			RoleBinding:         reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: binding},
			Client:              reconciliation.ClusterRoleBindingClientAdapter{Client: rbac.ClusterRoleBindings()},
			RemoveExtraSubjects: ours(binding),
		})
	}); err != nil {
		return err
	}
	if err := dropBindings(ctx, rbac, known.outdated(book)); err != nil {
		return err
	}
	if err := dropBindingsIn(ctx, rbac, known.outdatedIn(book)); err != nil {
		return err
	}
	return ensureNamespacedRoles(ctx, clients, book)
}

func ensureNamespacedRoles(ctx context.Context, clients kubernetes.Interface, book roleBook) error {
	rbac, namespaces := clients.RbacV1(), clients.CoreV1().Namespaces()
	if err := each(ctx, book.roles, func(_ context.Context, role *rbacv1.Role) error {
		return reconcileRole("Role "+role.Namespace+"/"+role.Name, reconciliation.ReconcileRoleOptions{
			Role:                   reconciliation.RoleRuleOwner{Role: role},
			Client:                 reconciliation.RoleModifier{Client: rbac, NamespaceClient: namespaces},
			RemoveExtraPermissions: ours(role),
		})
	}); err != nil {
		return err
	}
	return each(ctx, book.bindings, func(_ context.Context, binding *rbacv1.RoleBinding) error {
		return reconcileBinding("RoleBinding "+binding.Namespace+"/"+binding.Name, reconciliation.ReconcileRoleBindingOptions{
			RoleBinding:         reconciliation.RoleBindingAdapter{RoleBinding: binding},
			Client:              reconciliation.RoleBindingClientAdapter{Client: rbac, NamespaceClient: namespaces},
			RemoveExtraSubjects: ours(binding),
		})
	})
}

func reconcileRole(what string, options reconciliation.ReconcileRoleOptions) error {
	options.Confirm = true
	return retryTransient(what, func() error {
		_, err := options.Run()
		return err
	})
}

func reconcileBinding(what string, options reconciliation.ReconcileRoleBindingOptions) error {
	options.Confirm = true
	return retryTransient(what, func() error {
		_, err := options.Run()
		return err
	})
}

// retryTransient tries again while the answer is one that a server gives which is still coming up, or which another
// server is writing through at the same time.
func retryTransient(what string, write func() error) error {
	var last error
	err := wait.ExponentialBackoff(transientBackoff, func() (bool, error) {
		last = write()
		switch {
		case last == nil:
			return true, nil
		case apierrors.IsConflict(last), apierrors.IsAlreadyExists(last), apierrors.IsServiceUnavailable(last),
			apierrors.IsServerTimeout(last), apierrors.IsTooManyRequests(last), apierrors.IsNotFound(last), apierrors.IsForbidden(last):
			return false, nil
		default:
			return false, last
		}
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", what, last)
	}
	return nil
}

// ours reports that a role or binding is one of our components'.
func ours(obj metav1.Object) bool { return obj.GetLabels()[identity.ManagedBy] == identity.Manager }

// dropBindings deletes bindings. One that is gone is fine.
func dropBindings(ctx context.Context, rbac typedrbacv1.RbacV1Interface, names []string) error {
	return each(ctx, names, func(ctx context.Context, name *string) error {
		err := rbac.ClusterRoleBindings().Delete(ctx, *name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting ClusterRoleBinding %s, which no component needs any more: %w", *name, err)
		}
		return nil
	})
}

// dropBindingsIn does so for bindings within namespaces.
func dropBindingsIn(ctx context.Context, rbac typedrbacv1.RbacV1Interface, names []types.NamespacedName) error {
	return each(ctx, names, func(ctx context.Context, name *types.NamespacedName) error {
		err := rbac.RoleBindings(name.Namespace).Delete(ctx, name.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting RoleBinding %s, which no component needs any more: %w", *name, err)
		}
		return nil
	})
}

// known holds the names of the cluster's roles and bindings.
type known struct {
	roles, bindings map[string]bool
	// ours are the bindings that an earlier start made for our components, and oursIn those within namespaces.
	ours   []string
	oursIn []types.NamespacedName
}

// outdated are the bindings of our components that are not in the book.
func (k known) outdated(book roleBook) []string {
	return slices.DeleteFunc(slices.Clone(k.ours), func(name string) bool {
		return slices.ContainsFunc(book.clusterBindings, func(binding rbacv1.ClusterRoleBinding) bool { return binding.Name == name })
	})
}

// outdatedIn are those within namespaces.
func (k known) outdatedIn(book roleBook) []types.NamespacedName {
	return slices.DeleteFunc(slices.Clone(k.oursIn), func(name types.NamespacedName) bool {
		return slices.ContainsFunc(book.bindings, func(binding rbacv1.RoleBinding) bool {
			return binding.Namespace == name.Namespace && binding.Name == name.Name
		})
	})
}

func knownNames(ctx context.Context, rbac typedrbacv1.RbacV1Interface) (known, error) {
	names := known{roles: map[string]bool{}, bindings: map[string]bool{}}
	err := retryTransient("roles", func() error {
		roles, err := rbac.ClusterRoles().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		bindings, err := rbac.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		within, err := rbac.RoleBindings(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: identity.ManagedBy + "=" + identity.Manager})
		if err != nil {
			return err
		}
		for _, role := range roles.Items {
			names.roles[role.Name] = true
		}
		for i := range within.Items {
			if binding := &within.Items[i]; binding.Annotations[rbacv1.AutoUpdateAnnotationKey] != "false" {
				names.oursIn = append(names.oursIn, types.NamespacedName{Namespace: binding.Namespace, Name: binding.Name})
			}
		}
		for i := range bindings.Items {
			binding := &bindings.Items[i]
			names.bindings[binding.Name] = true
			if ours(binding) && binding.Annotations[rbacv1.AutoUpdateAnnotationKey] != "false" {
				names.ours = append(names.ours, binding.Name)
			}
		}
		return nil
	})
	return names, err
}
