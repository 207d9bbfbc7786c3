package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	role, err := join(os.Args[1:])
	if err == nil {
		_, err = os.Stdout.Write(role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "managerrole:", err)
		os.Exit(1)
	}
}

// join returns, as YAML, one role that allows what the roles in the files allow.
func join(paths []string) ([]byte, error) {
	role := rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
		ObjectMeta: metav1.ObjectMeta{Name: "manager-role"},
		Rules:      []rbacv1.PolicyRule{},
	}
	for _, path := range paths {
		rules, err := read(path)
		if err != nil {
			return nil, err
		}
		for _, rule := range rules {
			role.Rules = append(role.Rules, rename(rule)...)
		}
	}
	role.Rules = withoutRepeats(role.Rules)
	out, err := yaml.Marshal(role)
	if err != nil {
		return nil, fmt.Errorf("writing the role: %w", err)
	}
	return append([]byte("---\n"), out...), nil
}

func read(path string) ([]rbacv1.PolicyRule, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict(data, &role); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return role.Rules, nil
}
