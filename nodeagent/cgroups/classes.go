package cgroups

import (
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	podresources "k8s.io/component-helpers/resource"

	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Classes are the limits of the groups in which Burstable and BestEffort pods are. Beside Guaranteed pods the first counts as what its
// pods request of the CPU, and the second, whose pods request nothing, as next to nothing: a group has as much as a whole CPU's by itself.
func Classes(pods []*corev1.Pod) map[corev1.PodQOSClass]Limits {
	var requested int64
	for _, pod := range pods {
		if status.QOSClass(&pod.Spec) == corev1.PodQOSBurstable && !status.Terminal(pod.Status.Phase) {
			requests := podresources.PodRequests(pod, podresources.PodResourcesOptions{})
			requested += requests.Cpu().MilliValue()
		}
	}
	return map[corev1.PodQOSClass]Limits{
		corev1.PodQOSBurstable:  {Shares: Shares(requested)},
		corev1.PodQOSBestEffort: {Shares: minShares},
	}
}

// SetClasses makes the groups of classes, or brings them up to date.
func (f *FS) SetClasses(classes map[corev1.PodQOSClass]Limits) error {
	for class, limits := range classes {
		if err := f.Create(path.Join(f.root, strings.ToLower(string(class))), limits); err != nil {
			return err
		}
	}
	return nil
}
