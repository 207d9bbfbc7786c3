package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// empty deletes all objects of some kinds in a namespace, the kinds side by side. A kind that fails stops no other; the
// error joins those of all.
type empty struct {
	namespace string
	contents  []content
}

func (s *empty) Verb() string { return "deletecollection" }

func (s *empty) String() string {
	words := make([]string, len(s.contents))
	for i, content := range s.contents {
		words[i] = fmt.Sprintf("%d %s", len(content.objects), content.kind.GroupVersionResource().GroupResource())
	}
	return fmt.Sprintf("delete %s in Namespace %s", strings.Join(words, ", "), s.namespace)
}

func (s *empty) Why() string { return "the Namespace is being deleted" }

func (s *empty) Do(ctx context.Context, act plan.Actor) error {
	errs := make([]error, len(s.contents))
	each(len(s.contents), act.SideBySide(), func(i int) {
		errs[i] = s.delete(ctx, act, s.contents[i])
	})
	return errors.Join(errs...)
}

// delete deletes the objects of a kind in the background, whatever the default of their kind: what they own is deleted
// by this step as well.
func (s *empty) delete(ctx context.Context, act plan.Actor, content content) error {
	background := client.PropagationPolicy(metav1.DeletePropagationBackground)
	kind := content.kind.GroupVersionResource().GroupResource()
	if content.kind.Verbs.Has("deletecollection") {
		all := &metav1.PartialObjectMetadata{}
		all.SetGroupVersionKind(content.kind.GroupVersionKind)
		if err := act.DeleteAllOf(ctx, all, client.InNamespace(s.namespace), background); gone(err) != nil {
			return fmt.Errorf("deleting %s in namespace %s: %w", kind, s.namespace, err)
		}
		return nil
	}
	for _, obj := range content.objects {
		obj.SetGroupVersionKind(content.kind.GroupVersionKind)
		if err := act.Delete(ctx, &obj, background); gone(err) != nil {
			return fmt.Errorf("deleting %s %s/%s: %w", kind, s.namespace, obj.Name, err)
		}
	}
	return nil
}

// gone drops the errors which say that there is nothing to delete.
func gone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil
	}
	return err
}

// finalize removes this loop's finalizer from a namespace.
type finalize struct{ namespace *corev1.Namespace }

func (s *finalize) Verb() string   { return "finalize" }
func (s *finalize) Why() string    { return "nothing is left in it" }
func (s *finalize) String() string { return "finalize Namespace " + s.namespace.Name }

func (s *finalize) Do(ctx context.Context, act plan.Actor) error {
	namespace := s.namespace.DeepCopy()
	namespace.ResourceVersion = act.ResourceVersion(s.namespace)
	namespace.Spec.Finalizers = slices.DeleteFunc(namespace.Spec.Finalizers, func(finalizer corev1.FinalizerName) bool {
		return finalizer == corev1.FinalizerKubernetes
	})
	if err := act.SubResource("finalize").Update(ctx, namespace); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("finalizing namespace %s: %w", namespace.Name, err)
	}
	return nil
}
