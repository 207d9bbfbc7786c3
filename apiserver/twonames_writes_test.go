package apiserver_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applyappsv1 "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

func TestServerSideApplyWorksFromBothSides(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	kubernetes, orrery := admin.AppsV1().Deployments(ns), custom.Resource(orreryDeployments).Namespace(ns)
	if _, err := kubernetes.Create(t.Context(), deployment("web"), metav1.CreateOptions{FieldManager: "creator"}); err != nil {
		t.Fatal(err)
	}

	label := func(key string) *applyappsv1.DeploymentApplyConfiguration {
		return applyappsv1.Deployment("web", ns).WithLabels(map[string]string{key: "yes"})
	}
	if _, err := kubernetes.Apply(t.Context(), label("moon"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
		t.Fatal(err)
	}
	other := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps.orrery.dev/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "labels": map[string]any{"ring": "yes"}},
	}}
	if _, err := orrery.Apply(t.Context(), "web", other, metav1.ApplyOptions{FieldManager: "two"}); err != nil {
		t.Fatal(err)
	}

	t.Run("a field of the other side's manager is a conflict", func(t *testing.T) {
		stolen := other.DeepCopy()
		stolen.SetLabels(map[string]string{"ring": "yes", "moon": "no"})
		_, err := orrery.Apply(t.Context(), "web", stolen, metav1.ApplyOptions{FieldManager: "two"})
		if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `"one"`) {
			t.Errorf("got %v, want a conflict with manager \"one\"", err)
		}
	})
	t.Run("a field that its manager no longer applies goes away, whichever side it came from", func(t *testing.T) {
		if _, err := kubernetes.Apply(t.Context(), label("tide"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
			t.Fatal(err)
		}
		if _, err := kubernetes.Apply(t.Context(), applyappsv1.Deployment("web", ns), metav1.ApplyOptions{FieldManager: "two"}); err != nil {
			t.Fatal(err)
		}
		got, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Labels) != 1 || got.Labels["tide"] != "yes" {
			t.Errorf("labels are %v, want tide alone", got.Labels)
		}
	})
	t.Run("each side names the versions of managed fields as its own", func(t *testing.T) {
		one, err := kubernetes.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := orrery.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(one.ManagedFields) == 0 || len(one.ManagedFields) != len(shown.GetManagedFields()) {
			t.Fatalf("there are %d entries under one name and %d under the other", len(one.ManagedFields), len(shown.GetManagedFields()))
		}
		for i, entry := range one.ManagedFields {
			if got := shown.GetManagedFields()[i].APIVersion; entry.APIVersion != "apps/v1" || got != "apps.orrery.dev/v1" {
				t.Errorf("entry of %s: %s under one name, %s under the other", entry.Manager, entry.APIVersion, got)
			}
		}
	})
}

func TestAServiceMadeUnderTheKubernetesNameHasItsAddressesUnderTheOther(t *testing.T) {
	server := shared(t)
	admin, custom := clients(t, server, identity.Admin), untyped(t, server, identity.Admin)
	ns := namespace(t, admin)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	created, err := admin.CoreV1().Services(ns).Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if created.Spec.ClusterIP == "" || created.Spec.Ports[0].NodePort == 0 {
		t.Errorf("cluster IP %q and node port %d were not allocated", created.Spec.ClusterIP, created.Spec.Ports[0].NodePort)
	}
	shown, err := custom.Resource(schema.GroupVersionResource{Group: "core.orrery.dev", Version: "v1", Resource: "services"}).
		Namespace(ns).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ip, _, err := unstructured.NestedString(shown.Object, "spec", "clusterIP"); err != nil || ip != created.Spec.ClusterIP {
		t.Errorf("cluster IP is %q under the other name (%v), want %q", ip, err, created.Spec.ClusterIP)
	}
}

// TestObjectsAreStoredAsKubernetesStoresThem hands an etcd from a server that knows nothing of second names to one that
// serves them, and back.
func TestObjectsAreStoredAsKubernetesStoresThem(t *testing.T) {
	t.Parallel()
	store, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Stop(); err != nil {
			t.Error(err)
		}
	})
	there := &apiserver.ExternalEtcd{Endpoints: []string{store.Endpoint()}}
	plain := apiserver.Options{Ephemeral: true, Etcd: there}

	first := start(t, plain)
	if _, err := clients(t, first, identity.Admin).AppsV1().Deployments("default").Create(t.Context(), deployment("old"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}

	second := start(t, apiserver.Options{Ephemeral: true, Etcd: there, TwoNames: true})
	other := untyped(t, second, identity.Admin).Resource(orreryDeployments).Namespace("default")
	if _, err := other.Get(t.Context(), "old", metav1.GetOptions{}); err != nil {
		t.Errorf("what was there is not seen by its second name: %v", err)
	}
	made := toUnstructured(t, deployment("new"))
	made.SetAPIVersion("apps.orrery.dev/v1")
	made.SetKind("Deployment")
	if _, err := other.Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}

	third := start(t, plain)
	for _, name := range []string{"old", "new"} {
		if _, err := clients(t, third, identity.Admin).AppsV1().Deployments("default").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Errorf("after it was handed back: %v", err)
		}
	}
}
