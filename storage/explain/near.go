package explain

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// nearest is how many volumes are spoken of.
const nearest = 3

// near are the volumes that come closest to what a claim wants: those with the fewest reasons against them.
func near(w World) []Miss {
	var all []Miss
	for i := range w.Volumes {
		if why := misses(w.Claim, &w.Volumes[i]); len(why) > 0 {
			all = append(all, Miss{w.Volumes[i].Name, why})
		}
	}
	slices.SortStableFunc(all, func(a, b Miss) int {
		if d := len(a.Reasons) - len(b.Reasons); d != 0 {
			return d
		}
		return strings.Compare(a.Volume, b.Volume)
	})
	return all[:min(len(all), nearest)]
}

// misses are the reasons why a volume is not for a claim.
func misses(claim *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) (why []string) {
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	wants, has := claim.Spec.Resources.Requests.Storage(), v.Spec.Capacity.Storage()
	ref := v.Spec.ClaimRef
	say(v.DeletionTimestamp != nil, "it is being deleted")
	say(ref != nil && (ref.Namespace != claim.Namespace || ref.Name != claim.Name), "it is for claim %s", claimOf(ref))
	say(ref != nil && ref.Namespace == claim.Namespace && ref.Name == claim.Name && ref.UID != "" && ref.UID != claim.UID,
		"it was of an earlier claim of this name: it is free when its spec.claimRef is removed")
	say(has.Cmp(*wants) < 0, "it has %s, and %s is wanted", has, wants)
	say(v.Spec.StorageClassName != classOf(claim), "it is of class %q, and %q is wanted", v.Spec.StorageClassName, classOf(claim))
	say(modeOf(v.Spec.VolumeMode) != modeOf(claim.Spec.VolumeMode), "its mode is %s, and %s is wanted", modeOf(v.Spec.VolumeMode), modeOf(claim.Spec.VolumeMode))
	for _, mode := range claim.Spec.AccessModes {
		say(!slices.Contains(v.Spec.AccessModes, mode), "its access modes are %v, and %s is wanted", v.Spec.AccessModes, mode)
	}
	if claim.Spec.Selector != nil {
		selector, err := metav1.LabelSelectorAsSelector(claim.Spec.Selector)
		say(err != nil || !selector.Matches(labels.Set(v.Labels)), "its labels are not those that the claim selects")
	}
	return why
}

func claimOf(ref *corev1.ObjectReference) string {
	if ref == nil {
		return ""
	}
	return ref.Namespace + "/" + ref.Name
}

func classOf(claim *corev1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName == nil {
		return ""
	}
	return *claim.Spec.StorageClassName
}

func modeOf(mode *corev1.PersistentVolumeMode) corev1.PersistentVolumeMode {
	if mode == nil {
		return corev1.PersistentVolumeFilesystem
	}
	return *mode
}
