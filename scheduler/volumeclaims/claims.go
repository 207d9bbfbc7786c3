package volumeclaims

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/ephemeral"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Of returns the name of the claim that a volume stands for: the one that it names, or the one that is made for an ephemeral
// volume of the pod. It reports false for volumes of other kinds.
func Of(pod *corev1.Pod, volume *corev1.Volume) (string, bool) {
	switch {
	case volume.PersistentVolumeClaim != nil:
		return volume.PersistentVolumeClaim.ClaimName, true
	case volume.Ephemeral != nil:
		return ephemeral.VolumeClaimName(pod, volume), true
	}
	return "", false
}

// Uses reports whether a volume of the pod stands for the claim.
func Uses(pod *corev1.Pod, claim *corev1.PersistentVolumeClaim) bool {
	if claim.Namespace != pod.Namespace {
		return false
	}
	for i := range pod.Spec.Volumes {
		if name, ok := Of(pod, &pod.Spec.Volumes[i]); ok && name == claim.Name {
			return true
		}
	}
	return false
}

// Names reports whether a volume of the pod names the claim. One that is made for an ephemeral volume is named by none.
func Names(pod *corev1.Pod, claim *corev1.PersistentVolumeClaim) bool {
	return claim.Namespace == pod.Namespace && NamesOneCalled(pod, claim.Name)
}

// NamesOneCalled is Names for a claim in the pod's namespace.
func NamesOneCalled(pod *corev1.Pod, claim string) bool {
	for i := range pod.Spec.Volumes {
		if source := pod.Spec.Volumes[i].PersistentVolumeClaim; source != nil && source.ClaimName == claim {
			return true
		}
	}
	return false
}

// After returns the hint for events of claims that lets a pod be tried again when the claim concerns it, by Uses or Names.
func After(concerns func(*corev1.Pod, *corev1.PersistentVolumeClaim) bool) fwk.QueueingHintFn {
	return func(_ klog.Logger, pod *corev1.Pod, old, new any) (fwk.QueueingHint, error) {
		_, claim, err := framework.EventObjects[*corev1.PersistentVolumeClaim](old, new)
		if err != nil {
			return fwk.Queue, err
		}
		if concerns(pod, claim) {
			return fwk.Queue, nil
		}
		return fwk.QueueSkip, nil
	}
}
