package system_test

import (
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestBackgroundDeletionTakesTheDependentsAlong(t *testing.T) {
	namespace := namespaceOf(t).Name
	owner := configMap(namespace, "owner")
	create(t, owner)
	child := owned(configMap(namespace, "child"), owner, "v1", "ConfigMap")
	create(t, child)
	grandchild := owned(secret(namespace, "grandchild"), child, "v1", "ConfigMap")
	create(t, grandchild)
	remove(t, owner, metav1.DeletePropagationBackground)
	await.Success(t, "the child is gone", gone(t, child))
	await.Success(t, "the grandchild is gone", gone(t, grandchild))
}

func TestForegroundDeletionWaitsForWhatBlocksIt(t *testing.T) {
	namespace := namespaceOf(t).Name
	owner := configMap(namespace, "owner")
	create(t, owner)
	child := blocking(owned(configMap(namespace, "child"), owner, "v1", "ConfigMap"))
	child.SetFinalizers([]string{"example.com/keep"})
	create(t, child)
	remove(t, owner, metav1.DeletePropagationForeground)
	await.Success(t, "the child is being deleted", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(child), child); err != nil {
			return err
		}
		if child.GetDeletionTimestamp() == nil {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	if err := gone(t, owner)(); err == nil {
		t.Fatal("the owner is gone before what blocks it")
	}
	child.SetFinalizers(nil)
	if err := cluster.Update(t.Context(), child); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the owner is gone", gone(t, owner))
}

func TestOrphansStay(t *testing.T) {
	namespace := namespaceOf(t).Name
	owner, other := configMap(namespace, "owner"), configMap(namespace, "other")
	create(t, owner, other)
	child := owned(configMap(namespace, "child"), owner, "v1", "ConfigMap")
	shared := owned(owned(secret(namespace, "shared"), owner, "v1", "ConfigMap"), other, "v1", "ConfigMap")
	create(t, child, shared)
	remove(t, owner, metav1.DeletePropagationOrphan)
	await.Success(t, "the owner is gone", gone(t, owner))
	for _, orphan := range []client.Object{child, shared} {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(orphan), orphan); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(child.GetOwnerReferences()); n != 0 {
		t.Errorf("the orphan has %d owners, want none", n)
	}
	if n := len(shared.GetOwnerReferences()); n != 1 {
		t.Errorf("the object with another owner has %d owners, want 1", n)
	}
}

func TestAnObjectWithAnotherOwnerLosesTheReference(t *testing.T) {
	namespace := namespaceOf(t).Name
	owner, other := configMap(namespace, "owner"), configMap(namespace, "other")
	create(t, owner, other)
	child := owned(owned(secret(namespace, "child"), owner, "v1", "ConfigMap"), other, "v1", "ConfigMap")
	create(t, child)
	remove(t, owner, metav1.DeletePropagationBackground)
	await.Success(t, "the reference is removed", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(child), child); err != nil {
			return err
		}
		if refs := child.GetOwnerReferences(); len(refs) != 1 || refs[0].Name != "other" {
			return fmt.Errorf("the owners are %v", refs)
		}
		return nil
	})
	remove(t, other, metav1.DeletePropagationBackground)
	await.Success(t, "the child is gone", gone(t, child))
}

func TestAnOwnerThatNeverWasIsNone(t *testing.T) {
	namespace := namespaceOf(t).Name
	child := configMap(namespace, "child")
	child.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "nobody", UID: "nobody"}}
	create(t, child)
	await.Success(t, "the child is gone", gone(t, child))
}

func TestAnOwnerInAnotherNamespaceIsNone(t *testing.T) {
	here, there := namespaceOf(t).Name, namespaceOf(t).Name
	owner := configMap(there, "owner")
	create(t, owner)
	child := owned(configMap(here, "child"), owner, "v1", "ConfigMap")
	create(t, child)
	await.Success(t, "the child is gone", gone(t, child))
	await.Success(t, "a Warning says why", func() error {
		events := &corev1.EventList{}
		if err := cluster.List(t.Context(), events, client.InNamespace(here)); err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "OwnerRefInvalidNamespace" && event.InvolvedObject.UID == child.GetUID() {
				return nil
			}
		}
		return fmt.Errorf("%d events, and not this one", len(events.Items))
	})
	if err := gone(t, owner)(); err == nil {
		t.Error("the owner is gone as well")
	}
}

func TestAnObjectWithoutNamespaceStaysWhenItsOwnerInOneGoes(t *testing.T) {
	namespace := namespaceOf(t).Name
	owner := configMap(namespace, "owner")
	create(t, owner)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "role-of-" + namespace}}
	owned(role, owner, "v1", "ConfigMap")
	create(t, role)
	child := owned(configMap(namespace, "child"), owner, "v1", "ConfigMap")
	create(t, child)
	remove(t, owner, metav1.DeletePropagationBackground)
	await.Success(t, "the child is gone", gone(t, child))
	await.Success(t, "a Warning says why the role stays", func() error {
		events := &corev1.EventList{}
		if err := cluster.List(t.Context(), events, client.InNamespace("default")); err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "OwnerRefInvalidNamespace" && event.InvolvedObject.UID == role.GetUID() {
				return nil
			}
		}
		return fmt.Errorf("%d events, and not this one", len(events.Items))
	})
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(role), role); err != nil || role.DeletionTimestamp != nil {
		t.Errorf("the role is %v (%v), and should be there", role.ObjectMeta, err)
	}
}

func TestACustomResourceThatFinalizersHoldIsDeletedWithItsOwner(t *testing.T) {
	namespace := namespaceOf(t).Name
	definition := widgets()
	definition.Name, definition.Spec.Group = "widgets.held.example.com", "held.example.com"
	create(t, unstructuredOf(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition))
	owner := configMap(namespace, "owner")
	create(t, owner)
	child := &unstructured.Unstructured{}
	child.SetAPIVersion("held.example.com/v1")
	child.SetKind("Widget")
	child.SetNamespace(namespace)
	child.SetName("child")
	child.SetFinalizers([]string{"example.com/keep"})
	owned(child, owner, "v1", "ConfigMap")
	await.Success(t, "the kind is served", func() error { return cluster.Create(t.Context(), child.DeepCopy()) })
	remove(t, owner, metav1.DeletePropagationBackground)
	await.Success(t, "the child is being deleted", func() error {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(child), child); err != nil {
			return err
		}
		if child.GetDeletionTimestamp() == nil {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	child.SetFinalizers(nil)
	if err := cluster.Update(t.Context(), child); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the child is gone", gone(t, child))
}

func TestACircleIsUndone(t *testing.T) {
	namespace := namespaceOf(t).Name
	a, b := configMap(namespace, "a"), configMap(namespace, "b")
	create(t, a)
	b = blocking(owned(b, a, "v1", "ConfigMap")).(*corev1.ConfigMap)
	create(t, b)
	blocking(owned(a, b, "v1", "ConfigMap"))
	if err := cluster.Update(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	remove(t, a, metav1.DeletePropagationForeground)
	await.Success(t, "the one is gone", gone(t, a))
	await.Success(t, "the other is gone", gone(t, b))
}

func TestKindsThatComeAndGoAreCollected(t *testing.T) {
	namespace := namespaceOf(t).Name
	definition := widgets()
	create(t, unstructuredOf(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition))
	owner := &unstructured.Unstructured{}
	owner.SetAPIVersion("example.com/v1")
	owner.SetKind("Widget")
	owner.SetNamespace(namespace)
	owner.SetName("owner")
	await.Success(t, "the kind is served", func() error { return cluster.Create(t.Context(), owner.DeepCopy()) })
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(owner), owner); err != nil {
		t.Fatal(err)
	}
	child := owned(configMap(namespace, "child"), owner, "example.com/v1", "Widget")
	create(t, child)
	remove(t, owner, metav1.DeletePropagationForeground)
	await.Success(t, "the owner is gone", gone(t, owner))
	await.Success(t, "the child is gone", gone(t, child))

	last := owner.DeepCopy()
	last.SetResourceVersion("")
	last.SetUID("")
	last.SetFinalizers(nil)
	create(t, last)
	orphaned := owned(configMap(namespace, "orphaned"), last, "example.com/v1", "Widget")
	create(t, orphaned)
	await.Success(t, "the definition is deleted", func() error {
		return client.IgnoreNotFound(cluster.Delete(t.Context(), unstructuredOf(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition)))
	})
	await.Success(t, "what the last of its kind owned is gone", gone(t, orphaned))
}

func configMap(namespace, name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func secret(namespace, name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// owned adds an owner to an object.
func owned(obj, owner client.Object, apiVersion, kind string) client.Object {
	obj.SetOwnerReferences(append(obj.GetOwnerReferences(), metav1.OwnerReference{
		APIVersion: apiVersion, Kind: kind, Name: owner.GetName(), UID: owner.GetUID(),
	}))
	return obj
}

// blocking makes all owners of an object wait for it.
func blocking(obj client.Object) client.Object {
	refs := obj.GetOwnerReferences()
	for i := range refs {
		yes := true
		refs[i].BlockOwnerDeletion = &yes
	}
	obj.SetOwnerReferences(refs)
	return obj
}

func widgets() *apiextensionsv1.CustomResourceDefinition {
	preserve := true
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "widgets.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.com",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Kind: "Widget"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: &preserve,
				}},
			}},
		},
	}
}

// unstructuredOf is an object under a name that the tests' scheme may not have.
func unstructuredOf(t *testing.T, apiVersion, kind string, obj any) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	return u
}

// release removes all finalizers of an object.
func release(t *testing.T, apiVersion, kind string, obj client.Object) {
	t.Helper()
	u := unstructuredOf(t, apiVersion, kind, obj)
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	if err := cluster.Patch(t.Context(), u, patch); err != nil {
		t.Fatal(err)
	}
}
