package rbac

import (
	"context"
	"errors"
	"fmt"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options say what a manager may do, and what of it a test does not show.
type Options struct {
	// Roles are files and folders that say which roles the manager has, relative to the working directory, which in a test is the
	// folder of its package. Required.
	//
	// Manifests (.yaml, .yml, .json) hold Roles, ClusterRoles and bindings, and may hold other objects. If there are bindings to
	// ServiceAccounts, just what they bind counts, as in "config/rbac"; else every role does, as in "config/rbac/role.yaml". A role that
	// is bound and not among the files is one that the API server has; whether it is needed is not asked. Files of Go have markers, as
	// in "." for those of the package. Of a folder the files are read, and no folders in it.
	Roles []string
	// ServiceAccount is the manager's, as bindings name it: "system/controller-manager". Empty means the only one that they name.
	ServiceAccount string
	// Namespace is that of Roles and RoleBindings that name none, because kustomize gives them one. Empty means "default".
	Namespace string
	// Unused are why the manager has rights that it does not use in the test. For loops of the framework, begin with [Loops].
	Unused []Reason
}

// Proof is a user with roles, and what it has asked for.
type Proof struct {
	admin    *rest.Config
	client   kubernetes.Interface
	options  Options
	granted  []Grant
	recorder *recorder
	made     []func(context.Context) error // takes away what was made for it
}

// New makes a user and gives it the roles, under other names, so that no object of the cluster is touched. It returns when they count.
// Namespaces of Roles that are missing are made, and stay. When it fails, everything else is taken away again.
func New(ctx context.Context, admin *rest.Config, options Options) (*Proof, error) {
	unlimited := rest.CopyConfig(admin)
	unlimited.QPS = -1 // or else it would take a while to ask for each right
	client, err := kubernetes.NewForConfig(unlimited)
	if err != nil {
		return nil, fmt.Errorf("making the administrator's client: %w", err)
	}
	if options.Namespace == "" {
		options.Namespace = metav1.NamespaceDefault
	}
	declared, err := readSource(options.Roles, options.Namespace)
	if err != nil {
		return nil, err
	}
	roles, err := declared.bound(options.ServiceAccount)
	if err != nil {
		return nil, err
	}
	p := &Proof{admin: admin, client: client, options: options, recorder: newRecorder("rbac-proof-" + rand.String(8))}
	if err := p.begin(ctx, roles); err != nil {
		return nil, errors.Join(err, p.Close(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func (p *Proof) begin(ctx context.Context, roles []bound) error {
	if err := p.isNobody(ctx); err != nil {
		return err
	}
	var all []Grant
	for i, role := range roles {
		if role.has != nil {
			rules, err := p.rulesOf(ctx, *role.has, role.Namespace)
			if err != nil {
				return fmt.Errorf("following %s: %w", role.Name, err)
			}
			role.Rules = rules
		} else {
			p.granted = append(p.granted, Grants(role.Role)...)
		}
		if err := p.give(ctx, fmt.Sprintf("%s-%d", p.recorder.user, i), role); err != nil {
			return fmt.Errorf("giving %s to user %s: %w", role.Name, p.recorder.user, err)
		}
		all = append(all, Grants(role.Role)...)
	}
	return p.counts(ctx, all)
}

// rulesOf are what a role grants that the API server has, as a binding names it.
func (p *Proof) rulesOf(ctx context.Context, ref rbacv1.RoleRef, namespace string) ([]rbacv1.PolicyRule, error) {
	if ref.Kind == "Role" {
		role, err := p.client.RbacV1().Roles(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading a role that is not among the files: %w", err)
		}
		return role.Rules, nil
	}
	role, err := p.client.RbacV1().ClusterRoles().Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading a role that is not among the files: %w", err)
	}
	return role.Rules, nil
}

// Config is how the manager's clients reach the API server.
func (p *Proof) Config() *rest.Config { return p.recorder.config(p.admin) }

// Close takes the roles away.
func (p *Proof) Close(ctx context.Context) error {
	var errs []error
	for _, undo := range p.made {
		if err := undo(ctx); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("taking roles of user %s away: %w", p.recorder.user, err))
		}
	}
	p.made = nil
	return errors.Join(errs...)
}

// isNobody makes sure that the user may not do what it has no role for: or else the proof would be none.
func (p *Proof) isNobody(ctx context.Context) error {
	allowed, err := p.may(ctx, Request{Verb: "delete", Resource: "nodes", Name: p.recorder.user})
	if err == nil && allowed {
		err = errors.New("it lets a user without roles delete Nodes: let it judge by RBAC, as by --authorization-mode=RBAC")
	}
	if err != nil {
		return fmt.Errorf("asking how the API server judges requests: %w", err)
	}
	return nil
}

// may asks the API server whether the user may do something.
func (p *Proof) may(ctx context.Context, asked Request) (bool, error) {
	spec := authorizationv1.SubjectAccessReviewSpec{User: p.recorder.user, Groups: []string{"system:authenticated"}}
	if asked.URL != "" {
		spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: asked.URL, Verb: asked.Verb}
	} else {
		resource, sub := split(asked.Resource)
		spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Namespace: asked.Namespace, Verb: asked.Verb, Group: asked.Group, Resource: resource, Subresource: sub, Name: asked.Name,
		}
	}
	review, err := p.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking whether %s may %s: %w", p.recorder.user, asked, err)
	}
	return review.Status.Allowed, nil
}

// give binds a role to the user: a copy of it, if it was declared.
func (p *Proof) give(ctx context.Context, name string, role bound) error {
	meta := metav1.ObjectMeta{Name: name, Namespace: role.Namespace}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	if role.has != nil {
		ref = *role.has
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: p.recorder.user}}
	api := p.client.RbacV1()
	if role.has == nil {
		if _, err := api.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: role.Rules}, metav1.CreateOptions{}); err != nil {
			return err
		}
		p.made = append(p.made, func(ctx context.Context) error { return api.ClusterRoles().Delete(ctx, name, metav1.DeleteOptions{}) })
	}
	if role.Namespace == "" {
		_, err := api.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
		p.made = append(p.made, func(ctx context.Context) error {
			return api.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{})
		})
		return err
	}
	if err := p.ensureNamespace(ctx, role.Namespace); err != nil {
		return err
	}
	_, err := api.RoleBindings(role.Namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
	p.made = append(p.made, func(ctx context.Context) error {
		return api.RoleBindings(role.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	})
	return err
}

func (p *Proof) ensureNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := p.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// often is how often the API server is asked whether roles count yet.
const often = 10 * time.Millisecond

// counts waits until the API server judges by the roles, of which it hears one by one.
func (p *Proof) counts(ctx context.Context, granted []Grant) error {
	for _, g := range granted {
		asked := g.itself()
		err := wait.PollUntilContextCancel(ctx, often, true, func(ctx context.Context) (bool, error) { return p.may(ctx, asked) })
		if err != nil {
			return fmt.Errorf("waiting until %s may %s, by %s: %w", p.recorder.user, asked, g.By, err)
		}
	}
	return nil
}
