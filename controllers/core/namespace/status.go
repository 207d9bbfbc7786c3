package namespace

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/conditionsof"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// status is the namespace with the status that it shall have after the plan for it, where failed is what went wrong.
func status(namespace *corev1.Namespace, w world, failed error, now time.Time) *corev1.Namespace {
	wanted := namespace.DeepCopy()
	wanted.Status.Phase = corev1.NamespaceTerminating
	for _, condition := range []corev1.NamespaceCondition{
		discoveryFailure(w),
		parsingFailure(w),
		contentFailure(namespace.Name, w, failed, now),
		contentRemaining(w),
		finalizersRemaining(w),
	} {
		wanted.Status.Conditions = conditionsof.Namespace.Set(wanted.Status.Conditions, condition, now)
	}
	return wanted
}

func discoveryFailure(w world) corev1.NamespaceCondition {
	const kind = corev1.NamespaceDeletionDiscoveryFailure
	if w.discovery == nil || w.discovery.Discovery() == nil {
		return fine(kind, "ResourcesDiscovered", "All resources successfully discovered")
	}
	err := w.discovery.Discovery()
	if groups := len(w.discovery.Groups); groups > 0 {
		return trouble(kind, "DiscoveryFailed", "Discovery failed for some groups, %d failing: %v", groups, err)
	}
	return trouble(kind, "DiscoveryFailed", "%v", err)
}

func parsingFailure(w world) corev1.NamespaceCondition {
	const kind = corev1.NamespaceDeletionGVParsingFailure
	if w.discovery == nil || len(w.discovery.Unparsed) == 0 {
		return fine(kind, "ParsedGroupVersions", "All legacy kube types successfully parsed")
	}
	return trouble(kind, "GroupVersionParsingFailed", "%v", errors.Join(w.discovery.Unparsed...))
}

func contentFailure(namespace string, w world, failed error, now time.Time) corev1.NamespaceCondition {
	const kind = corev1.NamespaceDeletionContentFailure
	var errs []string
	for _, content := range w.contents {
		switch {
		case content.err != nil:
			errs = append(errs, content.err.Error())
		case content.overdue(now):
			errs = append(errs, fmt.Sprintf("unexpected items still remain in namespace: %s for gvr: %v", namespace, content.kind.GroupVersionResource()))
		}
	}
	for _, err := range parts(failed) {
		errs = append(errs, err.Error())
	}
	if len(errs) == 0 {
		return fine(kind, "ContentDeleted", "All content successfully deleted, may be waiting on finalization")
	}
	slices.Sort(errs)
	return trouble(kind, "ContentDeletionFailed", "Failed to delete all resource types, %d remaining: %s", len(errs), strings.Join(errs, ", "))
}

// parts are the errors that an error was joined from.
func parts(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	default:
		return []error{err}
	}
}

func contentRemaining(w world) corev1.NamespaceCondition {
	const kind = corev1.NamespaceContentRemaining
	left := map[schema.GroupResource]int{}
	for _, content := range w.contents {
		if n := len(content.lasting()); n > 0 {
			left[content.kind.GroupVersionResource().GroupResource()] = n
		}
	}
	if len(left) == 0 {
		return fine(kind, "ContentRemoved", "All content successfully removed")
	}
	words := make([]string, 0, len(left))
	for resource, n := range left {
		words = append(words, fmt.Sprintf("%s.%s has %d resource instances", resource.Resource, resource.Group, n))
	}
	slices.Sort(words)
	return trouble(kind, "SomeResourcesRemain", "Some resources are remaining: %s", strings.Join(words, ", "))
}

func finalizersRemaining(w world) corev1.NamespaceCondition {
	const kind = corev1.NamespaceFinalizersRemaining
	left := map[string]int{}
	for _, content := range w.contents {
		for _, obj := range content.objects {
			for _, finalizer := range obj.Finalizers {
				left[finalizer]++
			}
		}
	}
	if len(left) == 0 {
		return fine(kind, "ContentHasNoFinalizers", "All content-preserving finalizers finished")
	}
	words := make([]string, 0, len(left))
	for _, finalizer := range slices.Sorted(maps.Keys(left)) {
		words = append(words, fmt.Sprintf("%s in %d resource instances", finalizer, left[finalizer]))
	}
	return trouble(kind, "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: %s", strings.Join(words, ", "))
}

// lasting are the objects that outlive their deletion: those that are being deleted and still there, those with
// finalizers, and Pods, which end gracefully. All others are gone when this plan has been carried out.
func (c content) lasting() []metav1.PartialObjectMetadata {
	var lasting []metav1.PartialObjectMetadata
	for _, obj := range c.objects {
		if obj.DeletionTimestamp != nil || len(obj.Finalizers) > 0 || isPod(c.kind) {
			lasting = append(lasting, obj)
		}
	}
	return lasting
}

// overdue reports that something is left for which there is no reason: its grace is over, and it has no finalizers.
func (c content) overdue(now time.Time) bool {
	return len(c.objects) > 0 && !slices.ContainsFunc(c.objects, func(obj metav1.PartialObjectMetadata) bool {
		return obj.DeletionTimestamp == nil || now.Before(obj.DeletionTimestamp.Time) || len(obj.Finalizers) > 0
	})
}

func fine(kind corev1.NamespaceConditionType, reason, message string) corev1.NamespaceCondition {
	return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
}

func trouble(kind corev1.NamespaceConditionType, reason, format string, args ...any) corev1.NamespaceCondition {
	return corev1.NamespaceCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: fmt.Sprintf(format, args...)}
}
