package pvbinder

import (
	"cmp"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
)

// match is the volume for a claim, nil if there is none: one that names the claim, or else, unless it waits for its first consumer,
// the smallest that will do of those with the fewest access modes, of the same size the first by name. The error is that the claim's
// selector is none.
func match(claim *ocorev1.PersistentVolumeClaim, candidates []*ocorev1.PersistentVolume, waitsForConsumer bool) (*ocorev1.PersistentVolume, error) {
	for _, group := range preferred(claim, candidates) {
		found, err := volume.FindMatchingVolume((*corev1.PersistentVolumeClaim)(claim), group, nil, nil, waitsForConsumer, true)
		if found != nil || err != nil {
			return (*ocorev1.PersistentVolume)(found), err
		}
	}
	return nil, nil
}

// preferred are the volumes with all access modes that a claim asks for, the best group first: those that name the claim, then those
// with the fewest access modes, and so on.
func preferred(claim *ocorev1.PersistentVolumeClaim, candidates []*ocorev1.PersistentVolume) [][]*corev1.PersistentVolume {
	byModes := map[int][]*corev1.PersistentVolume{}
	for _, candidate := range candidates {
		v := (*corev1.PersistentVolume)(candidate)
		if !volume.CheckAccessModes((*corev1.PersistentVolumeClaim)(claim), v) {
			continue
		}
		n := modes(v)
		if volume.IsVolumeBoundToClaim(v, (*corev1.PersistentVolumeClaim)(claim)) {
			n = 0
		}
		byModes[n] = append(byModes[n], v)
	}
	var groups [][]*corev1.PersistentVolume
	for n := 0; len(byModes) > 0; n++ {
		if group, ok := byModes[n]; ok {
			slices.SortFunc(group, func(a, b *corev1.PersistentVolume) int { return cmp.Compare(a.Name, b.Name) })
			groups = append(groups, group)
			delete(byModes, n)
		}
	}
	return groups
}

// modes is how many access modes a volume has.
func modes(v *corev1.PersistentVolume) int {
	distinct := map[corev1.PersistentVolumeAccessMode]bool{}
	for _, mode := range v.Spec.AccessModes {
		distinct[mode] = true
	}
	return len(distinct)
}

// unfit is why a volume that a claim asks for by name cannot be its own; empty if it can.
func unfit(v *ocorev1.PersistentVolume, claim *ocorev1.PersistentVolumeClaim) string {
	switch asked, upstream := (*corev1.PersistentVolumeClaim)(claim), (*corev1.PersistentVolume)(v); {
	case v.DeletionTimestamp != nil:
		return `the volume is marked for deletion "` + v.Name + `"`
	case v.Spec.Capacity.Storage().Cmp(*claim.Spec.Resources.Requests.Storage()) < 0:
		return "requested PV is too small"
	case classOfVolume(v) != classOf(claim):
		return "storageClassName does not match"
	case attributesClass(v.Spec.VolumeAttributesClassName) != attributesClass(claim.Spec.VolumeAttributesClassName):
		return "volumeAttributesClassName does not match"
	case volume.CheckVolumeModeMismatches(&asked.Spec, &upstream.Spec):
		return "incompatible volumeMode"
	case !volume.CheckAccessModes(asked, upstream):
		return "incompatible accessMode"
	}
	return ""
}

// attributesClass is the name of a VolumeAttributesClass; nil is none, as the empty name is.
func attributesClass(name *string) string {
	if name == nil {
		return ""
	}
	return *name
}
