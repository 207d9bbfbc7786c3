package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// TestWhoJoinsMayDoThisAndNoMore is the whole of what is given: whoever gives more has to say so here.
func TestWhoJoinsMayDoThisAndNoMore(t *testing.T) {
	p, err := JoiningPolicy()
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string][]rbacv1.PolicyRule{}
	for _, role := range p.ClusterRoles {
		rules["/"+role.Name] = role.Rules
	}
	for _, role := range p.Roles {
		rules[role.Namespace+"/"+role.Name] = role.Rules
	}
	said := func(subjects []rbacv1.Subject, namespace, role string) (lines []string) {
		may := "as " + role
		for _, r := range rules[namespace+"/"+role] {
			may = strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Verbs[0], r.Resources[0], strings.Join(r.ResourceNames, " ")))
		}
		for _, s := range subjects {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s %s", s.Name, may, namespace)))
		}
		return lines
	}
	var got []string
	for _, b := range p.ClusterRoleBindings {
		got = append(got, said(b.Subjects, "", b.RoleRef.Name)...)
	}
	for _, b := range p.RoleBindings {
		got = append(got, said(b.Subjects, b.Namespace, b.RoleRef.Name)...)
	}
	slices.Sort(got)
	want := []string{
		"system:anonymous: get configmaps cluster-info kube-public",
		Bootstrappers + ": as system:certificates.k8s.io:certificatesigningrequests:nodeclient",
		Bootstrappers + ": as system:node-bootstrapper",
		Bootstrappers + ": get configmaps cluster-info kube-public",
		Bootstrappers + ": get configmaps orrery-config kube-system",
		Bootstrappers + ": get nodes",
		"system:nodes: as orrery:dns",
		"system:nodes: as orrery:dns kube-system",
		"system:nodes: as orrery:proxy",
		"system:nodes: as system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
		"system:nodes: create certificatesigningrequests/selfnodeserver",
		"system:nodes: delete nodes",
		"system:nodes: get configmaps orrery-config kube-system",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
