package apis_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func newScheme(t *testing.T, n apis.Naming) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, n); err != nil {
		t.Fatalf("adding the kinds under %s: %v", n, err)
	}
	return scheme
}

// twoNamed returns the kinds that Kubernetes has too.
func twoNamed() []apis.Kind {
	return slices.DeleteFunc(apis.Kinds(), func(k apis.Kind) bool {
		return k.GroupVersionKind(apis.Kubernetes) == k.GroupVersionKind(apis.Orrery)
	})
}

func TestEveryKindHasOneNamePerNaming(t *testing.T) {
	for _, n := range apis.Namings() {
		scheme := newScheme(t, n)
		for _, k := range apis.Kinds() {
			for _, obj := range []runtime.Object{k.New(), k.NewList()} {
				gvks, _, err := scheme.ObjectKinds(obj)
				if err != nil || len(gvks) != 1 {
					t.Errorf("%s: %T has the names %v (%v), want one", n, obj, gvks, err)
					continue
				}
				if want := k.GroupVersionKind(n).GroupVersion(); gvks[0].GroupVersion() != want {
					t.Errorf("%s: %T is in %s, want %s", n, obj, gvks[0].GroupVersion(), want)
				}
			}
		}
	}
}

func TestEveryGroupKnowsTheOptionsOfAClient(t *testing.T) {
	for _, n := range apis.Namings() {
		scheme := newScheme(t, n)
		codec := runtime.NewParameterCodec(scheme)
		for _, k := range apis.Kinds() {
			gv := k.GroupVersionKind(n).GroupVersion()
			values, err := codec.EncodeParameters(&metav1.ListOptions{LabelSelector: "app=web"}, gv)
			if err != nil || values.Get("labelSelector") != "app=web" {
				t.Errorf("%s: encoding list options for %s: %v, %v", n, gv, values, err)
			}
		}
	}
}

func TestKindsOfTheServerItselfAreUpstreamsUnderBothNamings(t *testing.T) {
	for _, n := range apis.Namings() {
		scheme := newScheme(t, n)
		for _, gvk := range []schema.GroupVersionKind{
			{Version: "v1", Kind: "Namespace"},
			{Version: "v1", Kind: "SecretList"},
			{Version: "v1", Kind: "PodExecOptions"},
			{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"},
			{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
			{Group: "policy", Version: "v1", Kind: "Eviction"},
			{Group: "autoscaling", Version: "v1", Kind: "Scale"},
			{Group: "scheduling.k8s.io", Version: "v1", Kind: "PriorityClass"},
		} {
			if !scheme.Recognizes(gvk) {
				t.Errorf("%s: %s is not registered", n, gvk)
			}
		}
	}
}

func TestOrreryNamingLeavesUpstreamNamesFree(t *testing.T) {
	scheme := newScheme(t, apis.Orrery)
	for _, k := range twoNamed() {
		if gvk := k.GroupVersionKind(apis.Kubernetes); scheme.Recognizes(gvk) {
			t.Errorf("%s is registered under the orrery naming", gvk)
		}
	}
}

func TestAddToScheme(t *testing.T) {
	t.Run("twice changes nothing", func(t *testing.T) {
		scheme := newScheme(t, apis.Kubernetes)
		before := len(scheme.AllKnownTypes())
		if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
			t.Fatal(err)
		}
		if after := len(scheme.AllKnownTypes()); after != before {
			t.Errorf("the scheme knew %d types, then %d", before, after)
		}
	})
	t.Run("says which type is in the way", func(t *testing.T) {
		scheme := runtime.NewScheme()
		if err := corev1.AddToScheme(scheme); err != nil {
			t.Fatal(err)
		}
		err := apis.AddToScheme(scheme, apis.Kubernetes)
		if err == nil || !strings.Contains(err.Error(), "k8s.io/api/core/v1.Pod") {
			t.Errorf("got %v, want an error that names upstream's Pod", err)
		}
	})
	t.Run("refuses what is not a naming", func(t *testing.T) {
		err := apis.AddToScheme(runtime.NewScheme(), "k8s")
		if err == nil || !strings.Contains(err.Error(), `use "kubernetes" or "orrery"`) {
			t.Errorf("got %v, want an error that lists the namings", err)
		}
	})
}

func TestNamingMapsEitherWay(t *testing.T) {
	for _, c := range []struct{ given, kubernetes, orrery schema.GroupKind }{
		{gk("apps", "Deployment"), gk("apps", "Deployment"), gk("apps.orrery.dev", "Deployment")},
		{gk("apps.orrery.dev", "Deployment"), gk("apps", "Deployment"), gk("apps.orrery.dev", "Deployment")},
		{gk("", "Pod"), gk("", "Pod"), gk("core.orrery.dev", "Pod")},
		{gk("", "Secret"), gk("", "Secret"), gk("", "Secret")},
		{gk("discovery.k8s.io", "EndpointSlice"), gk("discovery.k8s.io", "EndpointSlice"), gk("discovery.orrery.dev", "EndpointSlice")},
		{gk("policy", "Eviction"), gk("policy", "Eviction"), gk("policy", "Eviction")},
		{gk("example.com", "Deployment"), gk("example.com", "Deployment"), gk("example.com", "Deployment")},
	} {
		if got := apis.Kubernetes.GroupKind(c.given); got != c.kubernetes {
			t.Errorf("kubernetes: %s is %s, want %s", c.given, got, c.kubernetes)
		}
		if got := apis.Orrery.GroupKind(c.given); got != c.orrery {
			t.Errorf("orrery: %s is %s, want %s", c.given, got, c.orrery)
		}
	}
	for _, k := range apis.Kinds() {
		k8s, ours := k.GroupVersionResource(apis.Kubernetes).GroupResource(), k.GroupVersionResource(apis.Orrery).GroupResource()
		if got := apis.Orrery.GroupResource(k8s); got != ours {
			t.Errorf("%s is %s, want %s", k8s, got, ours)
		}
		if got := apis.Kubernetes.GroupResource(ours); got != k8s {
			t.Errorf("%s is %s, want %s", ours, got, k8s)
		}
	}
}

func gk(group, kind string) schema.GroupKind { return schema.GroupKind{Group: group, Kind: kind} }
