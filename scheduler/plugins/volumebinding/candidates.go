package volumebinding

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/volume"
)

// candidates are the volumes that could be a claim's as far as can be said without a node. In a cluster most volumes are
// taken, and most of the others are on one node: neither have to be passed over at each node anew.
type candidates struct {
	nearby[*corev1.PersistentVolume]
}

func newCandidates(claim *corev1.PersistentVolumeClaim, volumes []*corev1.PersistentVolume) candidates {
	var found candidates
	// Of equally good ones, the same is chosen each time.
	slices.SortFunc(volumes, func(a, b *corev1.PersistentVolume) int { return cmp.Compare(a.Name, b.Name) })
	wanted := claim.Spec.Resources.Requests.Storage()
	for _, candidate := range volumes {
		if candidate.Spec.Capacity.Storage().Cmp(*wanted) < 0 {
			continue
		}
		if volume.IsVolumeBoundToClaim(candidate, claim) {
			found.addAnywhere(candidate) // Nodes that cannot use it must see it: no other volume will do there.
			continue
		}
		if candidate.Spec.ClaimRef != nil || candidate.Status.Phase != corev1.VolumeAvailable {
			continue
		}
		if key, values, labelled := requiredLabel(candidate); labelled {
			found.addAt(key, values, candidate)
		} else {
			found.addAnywhere(candidate)
		}
	}
	return found
}

// requiredLabel returns a label of which a node must have one of the values to use the volume.
func requiredLabel(volume *corev1.PersistentVolume) (key string, values []string, labelled bool) {
	if volume.Spec.NodeAffinity == nil || volume.Spec.NodeAffinity.Required == nil {
		return "", nil, false
	}
	terms := volume.Spec.NodeAffinity.Required.NodeSelectorTerms
	if len(terms) != 1 {
		return "", nil, false
	}
	for _, requirement := range terms[0].MatchExpressions {
		if requirement.Operator == corev1.NodeSelectorOpIn {
			return requirement.Key, requirement.Values, true
		}
	}
	return "", nil, false
}
