package looptest

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// namespaceTerminating is k8s.io/api/core/v1.NamespaceTerminatingCause.
const namespaceTerminating metav1.CauseType = "NamespaceTerminating"

// part is which part of an object a write may change.
type part string

const (
	whole  part = "whole"  // everything: it is the test that writes
	main   part = ""       // everything but the status
	status part = "status" // nothing but the status
)

func resource(gvk schema.GroupVersionKind) schema.GroupResource {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural.GroupResource()
}

func notFound(k *kind, name string) error { return apierrors.NewNotFound(resource(k.gvk), name) }

func conflict(k *kind, name, format string, args ...any) error {
	return apierrors.NewConflict(resource(k.gvk), name, fmt.Errorf(format, args...))
}

func invalid(k *kind, name string, path *field.Path, value any, why string) error {
	return apierrors.NewInvalid(k.gvk.GroupKind(), name, field.ErrorList{field.Invalid(path, value, why)})
}

// create stores a new object, as an API server does: with a name, without a status.
func (w *World) create(k *kind, obj client.Object) (client.Object, error) {
	if err := w.namespaceTerminates(k, obj); err != nil {
		return nil, err
	}
	if obj.GetName() == "" {
		if obj.GetGenerateName() == "" {
			return nil, invalid(k, "", field.NewPath("metadata", "name"), "", "name or generateName is required")
		}
		obj.SetName(w.generateName(obj.GetGenerateName()))
	}
	key := client.ObjectKeyFromObject(obj)
	if k.objects[key] != nil {
		return nil, apierrors.NewAlreadyExists(resource(k.gvk), key.Name)
	}
	if obj.GetResourceVersion() != "" {
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	if err := validControllers(k, obj); err != nil {
		return nil, err
	}
	obj.SetUID("")
	obj.SetGeneration(0)
	obj.SetCreationTimestamp(metav1.Time{})
	obj.SetDeletionTimestamp(nil)
	obj.SetDeletionGracePeriodSeconds(nil)
	statusOf.clear(obj)
	w.complete(obj)
	w.store(k, key, obj)
	return obj, nil
}

// complete fills in what every stored object has.
func (w *World) complete(obj client.Object) {
	if obj.GetUID() == "" {
		obj.SetUID(w.nextUID())
	}
	if created := obj.GetCreationTimestamp(); created.IsZero() {
		obj.SetCreationTimestamp(metav1.NewTime(w.Now().Truncate(time.Second)))
	}
	if obj.GetGeneration() == 0 && specOf.in(obj) != nil {
		obj.SetGeneration(1)
	}
}

// replace stores a part of wanted as the new state of current, which it answers; an object that has nothing left to
// wait for in its deletion goes away. What changes nothing is not stored.
func (w *World) replace(k *kind, current, wanted client.Object, p part) (client.Object, error) {
	name := current.GetName()
	if version := wanted.GetResourceVersion(); version != "" && version != current.GetResourceVersion() {
		return nil, conflict(k, name, "the object has been modified; please apply your changes to the latest version and try again")
	}
	if uid := wanted.GetUID(); uid != "" && uid != current.GetUID() {
		return nil, conflict(k, name, "the UID in the precondition (%s) is not that of the object (%s)", uid, current.GetUID())
	}
	switch p {
	case main:
		statusOf.copy(wanted, current)
	case status:
		update := wanted
		wanted = current.DeepCopyObject().(client.Object)
		statusOf.copy(wanted, update)
	}
	keepSystemFields(wanted, current)
	if err := validUpdate(k, wanted, current); err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(wanted, current) {
		return current, nil
	}
	if !equality.Semantic.DeepEqual(specOf.in(wanted), specOf.in(current)) {
		wanted.SetGeneration(current.GetGeneration() + 1)
	}
	key := client.ObjectKeyFromObject(current)
	if wanted.GetDeletionTimestamp() != nil && len(wanted.GetFinalizers()) == 0 && noGrace(wanted) {
		w.store(k, key, nil)
		return nil, nil
	}
	w.store(k, key, wanted)
	return wanted, nil
}

// keepSystemFields undoes what only the API server itself may change.
func keepSystemFields(wanted, current client.Object) {
	wanted.SetName(current.GetName())
	wanted.SetNamespace(current.GetNamespace())
	wanted.SetGenerateName(current.GetGenerateName())
	wanted.SetUID(current.GetUID())
	wanted.SetResourceVersion(current.GetResourceVersion())
	wanted.SetGeneration(current.GetGeneration())
	wanted.SetCreationTimestamp(current.GetCreationTimestamp())
	wanted.SetDeletionTimestamp(current.GetDeletionTimestamp())
	wanted.SetDeletionGracePeriodSeconds(current.GetDeletionGracePeriodSeconds())
	wanted.SetManagedFields(current.GetManagedFields())
}

func validUpdate(k *kind, wanted, current client.Object) error {
	if err := validControllers(k, wanted); err != nil {
		return err
	}
	if current.GetDeletionTimestamp() == nil {
		return nil
	}
	had := map[string]bool{}
	for _, finalizer := range current.GetFinalizers() {
		had[finalizer] = true
	}
	for _, finalizer := range wanted.GetFinalizers() {
		if !had[finalizer] {
			return invalid(k, wanted.GetName(), field.NewPath("metadata", "finalizers"), finalizer,
				"no new finalizers can be added if the object is being deleted")
		}
	}
	return nil
}

func validControllers(k *kind, obj client.Object) error {
	controllers := 0
	for _, owner := range obj.GetOwnerReferences() {
		if owner.UID == "" {
			return invalid(k, obj.GetName(), field.NewPath("metadata", "ownerReferences", "uid"), owner.UID, "must not be empty")
		}
		if owner.Controller != nil && *owner.Controller {
			controllers++
		}
	}
	if controllers > 1 {
		return invalid(k, obj.GetName(), field.NewPath("metadata", "ownerReferences"), obj.GetOwnerReferences(),
			"only one reference can have Controller set to true")
	}
	return nil
}

// namespaceTerminates refuses a create in a namespace that the world has and that is being deleted. A namespace that the
// world does not have needs none.
func (w *World) namespaceTerminates(k *kind, obj client.Object) error {
	namespaces := w.kinds[schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}]
	if namespaces == nil || obj.GetNamespace() == "" {
		return nil
	}
	namespace := namespaces.objects[client.ObjectKey{Name: obj.GetNamespace()}]
	if namespace == nil || namespace.GetDeletionTimestamp() == nil {
		return nil
	}
	err := apierrors.NewForbidden(resource(k.gvk), obj.GetName(),
		fmt.Errorf("unable to create new content in namespace %s because it is being terminated", obj.GetNamespace()))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
		Type:    namespaceTerminating,
		Message: fmt.Sprintf("namespace %s is being terminated", obj.GetNamespace()),
		Field:   "metadata.namespace",
	})
	return err
}
