package resourcequota

import (
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"
)

// scopesOf are the scopes that what is charged to a quota has to match, all of them.
func scopesOf(quota *corev1.ResourceQuota) []corev1.ScopedResourceSelectorRequirement {
	var scopes []corev1.ScopedResourceSelectorRequirement
	for _, scope := range quota.Spec.Scopes {
		scopes = append(scopes, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if quota.Spec.ScopeSelector != nil {
		scopes = append(scopes, quota.Spec.ScopeSelector.MatchExpressions...)
	}
	return scopes
}

// matchesAll reports that something matches all scopes.
func matchesAll(scopes []corev1.ScopedResourceSelectorRequirement, matches func(corev1.ScopedResourceSelectorRequirement) bool) bool {
	return !slices.ContainsFunc(scopes, func(scope corev1.ScopedResourceSelectorRequirement) bool { return !matches(scope) })
}

func podMatches(pod *ocorev1.Pod, scope corev1.ScopedResourceSelectorRequirement) bool {
	switch scope.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return hasDeadline(pod)
	case corev1.ResourceQuotaScopeNotTerminating:
		return !hasDeadline(pod)
	case corev1.ResourceQuotaScopeBestEffort:
		return isBestEffort(pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !isBestEffort(pod)
	case corev1.ResourceQuotaScopePriorityClass:
		return selects(scope, pod.Spec.PriorityClassName)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return looksIntoNamespaces(pod.Spec.Affinity)
	default:
		return false
	}
}

func claimMatches(claim *ocorev1.PersistentVolumeClaim, scope corev1.ScopedResourceSelectorRequirement) bool {
	return scope.ScopeName == corev1.ResourceQuotaScopeVolumeAttributesClass && selects(scope, attributesClassesOf(claim)...)
}

// selects reports that a scope selects one of some values, or their absence. Empty values do not count.
func selects(scope corev1.ScopedResourceSelectorRequirement, values ...string) bool {
	values = slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
	if len(values) == 0 {
		return scope.Operator == corev1.ScopeSelectorOpNotIn || scope.Operator == corev1.ScopeSelectorOpDoesNotExist
	}
	return slices.ContainsFunc(values, func(value string) bool {
		switch scope.Operator {
		case corev1.ScopeSelectorOpIn:
			return slices.Contains(scope.Values, value)
		case corev1.ScopeSelectorOpNotIn:
			return !slices.Contains(scope.Values, value)
		default:
			return scope.Operator == corev1.ScopeSelectorOpExists
		}
	})
}

// hasDeadline reports that a pod is meant to end by itself, which the scope calls terminating.
func hasDeadline(pod *ocorev1.Pod) bool {
	return pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds >= 0
}

// isBestEffort reports that nothing asks for CPU or memory: what is said of the pod as a whole counts, where there is something, and
// else what its containers say.
func isBestEffort(pod *ocorev1.Pod) bool {
	switch {
	case pod.Status.QOSClass != "":
		return pod.Status.QOSClass == corev1.PodQOSBestEffort
	case podresources.IsPodLevelResourcesSet((*corev1.Pod)(pod)):
		return asksForNothing(pod.Spec.Resources)
	}
	asks := func(container corev1.Container) bool { return !asksForNothing(&container.Resources) }
	return !slices.ContainsFunc(pod.Spec.Containers, asks) && !slices.ContainsFunc(pod.Spec.InitContainers, asks)
}

func asksForNothing(resources *corev1.ResourceRequirements) bool {
	return resources.Requests.Cpu().IsZero() && resources.Requests.Memory().IsZero() &&
		resources.Limits.Cpu().IsZero() && resources.Limits.Memory().IsZero()
}

// looksIntoNamespaces reports that a pod wants to be near or far from pods of other namespaces.
func looksIntoNamespaces(affinity *corev1.Affinity) bool {
	return slices.ContainsFunc(podTerms(affinity), func(term corev1.PodAffinityTerm) bool {
		return len(term.Namespaces) > 0 || term.NamespaceSelector != nil
	})
}

func podTerms(affinity *corev1.Affinity) []corev1.PodAffinityTerm {
	if affinity == nil {
		return nil
	}
	var terms []corev1.PodAffinityTerm
	var weighted []corev1.WeightedPodAffinityTerm
	if near := affinity.PodAffinity; near != nil {
		terms = append(terms, near.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, near.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	if far := affinity.PodAntiAffinity; far != nil {
		terms = append(terms, far.RequiredDuringSchedulingIgnoredDuringExecution...)
		weighted = append(weighted, far.PreferredDuringSchedulingIgnoredDuringExecution...)
	}
	for _, preferred := range weighted {
		terms = append(terms, preferred.PodAffinityTerm)
	}
	return terms
}

// attributesClassesOf are the VolumeAttributesClasses that a claim asks for, has, or is on the way to.
func attributesClassesOf(claim *ocorev1.PersistentVolumeClaim) []string {
	var classes []string
	for _, class := range []*string{claim.Spec.VolumeAttributesClassName, claim.Status.CurrentVolumeAttributesClassName} {
		if class != nil {
			classes = append(classes, *class)
		}
	}
	if modifying := claim.Status.ModifyVolumeStatus; modifying != nil {
		classes = append(classes, modifying.TargetVolumeAttributesClassName)
	}
	return classes
}
