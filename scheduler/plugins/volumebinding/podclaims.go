package volumebinding

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/storage/volume"
)

// podClaims is all that is known of a pod's claims when the search for a node begins. It never changes.
type podClaims struct {
	bound []boundClaim
	// provisioning are claims for which an earlier attempt has chosen a node, and waiting those that are free to go
	// anywhere, the smallest first.
	provisioning, waiting []waitingClaim
	// immediate counts the claims that should have been bound without the pod.
	immediate int
}

// boundClaim is a claim that has its volume.
type boundClaim struct {
	*corev1.PersistentVolumeClaim
	volume *servedVolume // nil: it does not exist
}

// waitingClaim is a claim that is bound when its pod's node is known.
type waitingClaim struct {
	*corev1.PersistentVolumeClaim
	class *storagev1.StorageClass
	// candidates are the volumes that could be the claim's.
	candidates candidates
	// topology is where the class allows new volumes.
	topology topology
	// pools is where there is room for a new one. Nil: nobody keeps account of it.
	pools *pools
}

// hasMigrated reports whether it matters what a node's CSINode says.
func (w *podClaims) hasMigrated() bool {
	return slices.ContainsFunc(w.bound, func(claim boundClaim) bool { return claim.volume != nil && claim.volume.plugin != "" })
}

func (w *podClaims) hasUnbound() bool { return len(w.provisioning)+len(w.waiting) > 0 }

// observe reads everything about the claims.
func (p *Plugin) observe(claims []*corev1.PersistentVolumeClaim) (*podClaims, error) {
	w := &podClaims{}
	for _, claim := range claims {
		if isBound(claim) {
			w.bound = append(w.bound, p.observeBound(claim))
			continue
		}
		delayed, err := volume.IsDelayBindingMode(claim, p.classes)
		switch {
		case err != nil:
			return nil, fmt.Errorf("finding out when claim %s is bound: %w", keyOf(claim), err)
		case !delayed || claim.Spec.VolumeName != "":
			w.immediate++
		case volume.IsDelayBindingProvisioning(claim):
			w.provisioning = append(w.provisioning, waitingClaim{PersistentVolumeClaim: claim})
		default:
			w.waiting = append(w.waiting, waitingClaim{PersistentVolumeClaim: claim})
		}
	}
	if w.immediate > 0 {
		return w, nil // The rest does not matter then.
	}
	slices.SortStableFunc(w.waiting, func(a, b waitingClaim) int {
		return a.Spec.Resources.Requests.Storage().Cmp(*b.Spec.Resources.Requests.Storage())
	})
	return w, errors.Join(p.observeProvisioning(w.provisioning), p.observeProvisioning(w.waiting), p.observeCandidates(w.waiting))
}

// isBound reports whether both sides of a binding are complete.
func isBound(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName != "" && metav1.HasAnnotation(claim.ObjectMeta, volume.AnnBindCompleted)
}

func (p *Plugin) observeBound(claim *corev1.PersistentVolumeClaim) boundClaim {
	bound := boundClaim{PersistentVolumeClaim: claim}
	if found := p.assumed.volume(claim.Spec.VolumeName); found != nil {
		served := serve(found)
		bound.volume = &served
	}
	return bound
}

func (p *Plugin) observeCandidates(claims []waitingClaim) error {
	for i := range claims {
		claim := &claims[i]
		ofClass, err := p.assumed.volumes.list(byClass, volume.GetPersistentVolumeClaimClass(claim.PersistentVolumeClaim))
		if err != nil {
			return err
		}
		claim.candidates = newCandidates(claim.PersistentVolumeClaim, ofClass)
	}
	return nil
}

func (p *Plugin) observeProvisioning(claims []waitingClaim) error {
	for i := range claims {
		claim := &claims[i]
		var err error
		if claim.class, err = p.classes.Get(volume.GetPersistentVolumeClaimClass(claim.PersistentVolumeClaim)); err != nil {
			return fmt.Errorf("getting the class of claim %s: %w", keyOf(claim), err)
		}
		claim.topology = newTopology(claim.class.AllowedTopologies)
		if claim.pools, err = p.observePools(claim); err != nil {
			return fmt.Errorf("looking for room for claim %s: %w", keyOf(claim), err)
		}
	}
	return nil
}

// observePools returns nil unless the driver of the claim's class publishes how much room it has.
func (p *Plugin) observePools(claim *waitingClaim) (*pools, error) {
	size, sized := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if !sized {
		return nil, nil
	}
	driver, err := p.drivers.Get(claim.class.Provisioner)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if driver.Spec.StorageCapacity == nil || !*driver.Spec.StorageCapacity {
		return nil, nil
	}
	capacities, err := p.capacities.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	return newPools(capacities, claim.class.Name, size.Value()), nil
}
