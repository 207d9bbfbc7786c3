package resourcequota

import (
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// podMatters reports that a pod's change may change what it is charged for, or by which quota. Most updates of pods are about what
// its containers do, so the cheap questions come first.
func podMatters(was, is *ocorev1.Pod) bool {
	return was.UID != is.UID || was.Generation != is.Generation || was.Status.Phase != is.Status.Phase ||
		was.Status.QOSClass != is.Status.QOSClass || !was.DeletionTimestamp.Equal(is.DeletionTimestamp) ||
		!apiequality.Semantic.DeepEqual(podUsage(was, time.Time{}), podUsage(is, time.Time{}))
}

func serviceMatters(was, is *ocorev1.Service) bool {
	return !apiequality.Semantic.DeepEqual(serviceUsage(was), serviceUsage(is))
}

func claimMatters(was, is *ocorev1.PersistentVolumeClaim) bool {
	return !apiequality.Semantic.DeepEqual(claimUsage(was), claimUsage(is)) || !slices.Equal(attributesClassesOf(was), attributesClassesOf(is))
}

// same reports that two lists say the same, however they spell it.
func same(a, b corev1.ResourceList) bool {
	return len(a) == len(b) && apiequality.Semantic.DeepEqual(a, b)
}
