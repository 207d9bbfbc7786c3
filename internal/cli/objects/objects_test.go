package objects

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func served() *Finder {
	all := metav1.Verbs{"get", "list", "watch"}
	return &Finder{kinds: kindsOf([]*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "pods", SingularName: "pod", Kind: "Pod", ShortNames: []string{"po"}, Namespaced: true, Verbs: all},
			{Name: "pods/log", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"get"}},
			{Name: "bindings", Kind: "Binding", Namespaced: true, Verbs: metav1.Verbs{"create"}},
		}},
		{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
			{Name: "deployments", SingularName: "deployment", Kind: "Deployment", ShortNames: []string{"deploy"}, Namespaced: true, Verbs: all},
		}},
		{GroupVersion: "apps.orrery.dev/v1", APIResources: []metav1.APIResource{
			{Name: "deployments", SingularName: "deployment", Kind: "Deployment", ShortNames: []string{"odeploy"}, Namespaced: true, Verbs: metav1.Verbs{"get"}},
		}},
	})}
}

func TestWordsForKinds(t *testing.T) {
	f := served()
	for word, want := range map[string]string{
		"pod": "v1/pods", "PODS": "v1/pods", "po": "v1/pods", "Pod": "v1/pods",
		"deployment": "apps/v1/deployments", "deploy": "apps/v1/deployments", "deployments.apps": "apps/v1/deployments",
		"deployment.v1.apps": "apps/v1/deployments", "odeploy": "apps.orrery.dev/v1/deployments", "deployments.apps.orrery.dev": "apps.orrery.dev/v1/deployments",
		"binding": "", "pods/log": "", "moon": "", "pods.apps": "", "": "",
	} {
		kind, err := f.Kind(word)
		got := ""
		if err == nil {
			got = kind.GroupVersion().String() + "/" + kind.Resource
		}
		if got != want {
			t.Errorf("%q is %q (%v), want %q", word, got, err, want)
		}
	}
}

func TestKindsAndNames(t *testing.T) {
	f := served()
	if kind, name, err := f.Named("deploy/web"); err != nil || kind.Resource != "deployments" || name != "web" {
		t.Errorf("deploy/web is %s of %+v (%v)", name, kind, err)
	}
	for _, wrong := range []string{"web", "deploy/", "/web", "moon/web"} {
		if _, _, err := f.Named(wrong); err == nil {
			t.Errorf("%q is taken for an object", wrong)
		}
	}
	if _, err := f.Of("apps", "Pod"); err == nil {
		t.Error("a kind is found in a group that does not have it")
	}
	if kind, err := f.Of("", "Pod"); err != nil || !kind.Namespaced || !kind.Listable {
		t.Errorf("Pod is %+v (%v)", kind, err)
	}
}
