package clusterroleaggregation

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func role(name string, labels map[string]string, verbs ...string) *rbacv1.ClusterRole {
	r := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	for _, verb := range verbs {
		r.Rules = append(r.Rules, rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{"pods"}})
	}
	return r
}

func madeOf(r *rbacv1.ClusterRole, labels ...map[string]string) *rbacv1.ClusterRole {
	r.AggregationRule = &rbacv1.AggregationRule{}
	for _, l := range labels {
		r.AggregationRule.ClusterRoleSelectors = append(r.AggregationRule.ClusterRoleSelectors, metav1.LabelSelector{MatchLabels: l})
	}
	return r
}

func verbs(r *rbacv1.ClusterRole) []string {
	verbs := []string{}
	for _, rule := range r.Rules {
		verbs = append(verbs, rule.Verbs...)
	}
	return verbs
}

// TestRolesAreMadeOfOthers lets roles come, go and change: in the end an aggregated role has the rules of those that it
// selects, directly or through another, each once and in order; and the others have their own.
func TestRolesAreMadeOfOthers(t *testing.T) {
	toView, toEdit := map[string]string{"to": "view"}, map[string]string{"to": "edit"}
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	looptest.Check(t, looptest.Spec{
		Scheme: scheme,
		Loops:  []loop.Loop{Loop()},
		Start: func(*rapid.T) []client.Object {
			return []client.Object{
				madeOf(role("view", toEdit), toView),
				madeOf(role("edit", toEdit, "gone"), toEdit, toView),
				role("own", nil, "own"),
			}
		},
		Change: func(t *rapid.T, w *looptest.World) {
			name := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "role")
			labels := rapid.SampledFrom([]map[string]string{nil, toView, toEdit}).Draw(t, "labels")
			err := w.Client("user").Delete(context.Background(), role(name, nil))
			if client.IgnoreNotFound(err) == nil && rapid.Bool().Draw(t, "create") {
				err = w.Client("user").Create(context.Background(), role(name, labels, name, "get"))
			}
			if client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
		},
		Converged: func(w *looptest.World) error {
			var view, edit []string
			add := func(list []string, more ...string) []string {
				for _, verb := range more {
					if !slices.Contains(list, verb) {
						list = append(list, verb)
					}
				}
				return list
			}
			roles := looptest.All[*rbacv1.ClusterRole](w)
			for _, r := range roles {
				if r.Labels["to"] == "view" {
					view = add(view, verbs(r)...)
				}
			}
			for _, r := range roles {
				if r.Labels["to"] == "edit" && r.Name != "view" && r.Name != "edit" {
					edit = add(edit, verbs(r)...)
				}
			}
			edit = add(edit, view...)
			for _, r := range roles {
				want, made := map[string][]string{"view": view, "edit": edit, "own": {"own"}}[r.Name]
				if made && !slices.Equal(verbs(r), want) {
					return fmt.Errorf("role %s has %v, want %v", r.Name, verbs(r), want)
				}
			}
			return nil
		},
	})
}
