package rbac

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// source is what files and folders say about roles.
type source struct {
	roles    []declared
	bindings []binding
}

// declared is a role as a manifest or a marker declares it.
type declared struct {
	Role
	ref rbacv1.RoleRef // what bindings know it by
}

// binding is a binding to ServiceAccounts.
type binding struct {
	name      string // in words
	namespace string // of a RoleBinding; empty for a ClusterRoleBinding
	ref       rbacv1.RoleRef
	accounts  []string // namespace/name
}

// readSource reads files and folders. Of a folder it reads the manifests, and the markers of its package.
func readSource(paths []string, namespace string) (source, error) {
	if len(paths) == 0 {
		return source{}, errors.New("reading roles: say by Roles which files they are in")
	}
	var s source
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			return source{}, err
		}
		for _, file := range files {
			if err := s.readFile(file, namespace); err != nil {
				return source{}, err
			}
		}
	}
	if len(s.roles) == 0 && len(s.bindings) == 0 {
		return source{}, fmt.Errorf("reading roles of %s: there are none, and no +kubebuilder:rbac markers; has `make manifests` been run?", strings.Join(paths, ", "))
	}
	return s, nil
}

// filesOf are a file, or those in a folder, that may say something about roles.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("looking for roles: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("looking for roles: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); !entry.IsDir() && (isManifest(name) || isSource(name)) {
			files = append(files, filepath.Join(path, name))
		}
	}
	return files, nil
}

func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

func isSource(name string) bool {
	return filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
}

func (s *source) readFile(path, namespace string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading roles: %w", err)
	}
	if isSource(path) {
		found, err := readMarkers(path, text)
		s.roles = append(s.roles, found...)
		return err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.readManifest(path, document, namespace)
		}
		if err != nil {
			return fmt.Errorf("reading roles of %s: %w", path, err)
		}
	}
}

// readManifest reads one object. What is no role and no binding says nothing about roles.
func (s *source) readManifest(path string, document []byte, namespace string) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	if group, _, _ := strings.Cut(kind.APIVersion, "/"); group != rbacv1.GroupName {
		return nil
	}
	switch kind.Kind {
	case "ClusterRole":
		var role rbacv1.ClusterRole
		if err := yaml.UnmarshalStrict(document, &role); err != nil {
			return err
		}
		s.declare(path, kind.Kind, "", role.Name, role.Rules)
	case "Role":
		var role rbacv1.Role
		if err := yaml.UnmarshalStrict(document, &role); err != nil {
			return err
		}
		if role.Namespace == "" {
			role.Namespace = namespace
		}
		s.declare(path, kind.Kind, role.Namespace, role.Name, role.Rules)
	case "ClusterRoleBinding":
		var b rbacv1.ClusterRoleBinding
		if err := yaml.UnmarshalStrict(document, &b); err != nil {
			return err
		}
		s.bind(kind.Kind, "", b.Name, b.RoleRef, b.Subjects)
	case "RoleBinding":
		var b rbacv1.RoleBinding
		if err := yaml.UnmarshalStrict(document, &b); err != nil {
			return err
		}
		if b.Namespace == "" {
			b.Namespace = namespace
		}
		s.bind(kind.Kind, b.Namespace, b.Name, b.RoleRef, b.Subjects)
	}
	return nil
}

func (s *source) declare(path, kind, namespace, name string, rules []rbacv1.PolicyRule) {
	s.roles = append(s.roles, declared{
		Role: Role{Name: fmt.Sprintf("%s %s (%s)", kind, name, filepath.ToSlash(path)), Namespace: namespace, Rules: rules},
		ref:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name},
	})
}

// bind notes a binding, if it is one to ServiceAccounts.
func (s *source) bind(kind, namespace, name string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
	b := binding{name: kind + " " + name, namespace: namespace, ref: ref}
	for _, subject := range subjects {
		if subject.Kind == rbacv1.ServiceAccountKind {
			b.accounts = append(b.accounts, subject.Namespace+"/"+subject.Name)
		}
	}
	if len(b.accounts) > 0 {
		s.bindings = append(s.bindings, b)
	}
}

// bound is a role that the user gets: one that was declared, or one that the API server has.
type bound struct {
	Role
	has *rbacv1.RoleRef // what the API server has; nil for a declared one
}

// bound are the roles that bindings give a ServiceAccount; all of them, if nothing was said about bindings. What markers ask for is
// always among them.
func (s *source) bound(account string) ([]bound, error) {
	var all []bound
	for _, role := range s.roles {
		if len(s.bindings) == 0 || role.ref.Name == "" {
			all = append(all, bound{Role: role.Role})
		}
	}
	if len(s.bindings) == 0 {
		return all, nil
	}
	account, err := s.account(account)
	if err != nil {
		return nil, err
	}
	for _, b := range s.bindings {
		if slices.Contains(b.accounts, account) {
			all = append(all, s.follow(b))
		}
	}
	return all, nil
}

// account finds the ServiceAccount that is meant.
func (s *source) account(want string) (string, error) {
	var known []string
	for _, b := range s.bindings {
		known = append(known, b.accounts...)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	switch {
	case want == "" && len(known) == 1:
		return known[0], nil
	case want == "":
		return "", fmt.Errorf("reading roles: there are bindings to several ServiceAccounts (%s), say by ServiceAccount which one is meant", strings.Join(known, ", "))
	case !slices.Contains(known, want):
		return "", fmt.Errorf("reading roles: nothing is bound to ServiceAccount %s; there are bindings to %s", want, strings.Join(known, ", "))
	}
	return want, nil
}

// follow is the role of a binding, in the namespace where it counts.
func (s *source) follow(b binding) bound {
	for _, role := range s.roles {
		if role.ref.Kind == b.ref.Kind && role.ref.Name == b.ref.Name && (role.ref.Kind == "ClusterRole" || role.Namespace == b.namespace) {
			role.Namespace = b.namespace
			return bound{Role: role.Role}
		}
	}
	return bound{Role: Role{Name: b.name, Namespace: b.namespace}, has: &b.ref}
}
