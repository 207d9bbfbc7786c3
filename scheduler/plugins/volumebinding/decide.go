package volumebinding

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/storage/volume"
)

const (
	reasonNodeAffinity   = "node(s) didn't match PersistentVolume's node affinity"
	reasonNoVolume       = "node(s) didn't find available persistent volumes to bind"
	reasonNotEnoughSpace = "node(s) did not have enough free storage"
	reasonVolumeMissing  = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
)

// decision is what would become of a pod's claims on one node.
type decision struct {
	refusals   []refusal // none: the node will do
	bindings   []binding
	provisions []provision
}

// binding gives a claim a volume that exists.
type binding struct {
	claim  *corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume
}

// provision has a volume made for a claim.
type provision struct {
	claim *corev1.PersistentVolumeClaim
	pool  *storagev1.CSIStorageCapacity // nil: nobody keeps account of room
}

// refusal is why a node will not do. Only the reason is told to the user; which claim it was, to the log.
type refusal struct {
	reason string
	claim  *corev1.PersistentVolumeClaim
}

// String names the claim.
func (r refusal) String() string { return fmt.Sprintf("claim %s: %s", keyOf(r.claim), r.reason) }

func (d *decision) refuse(reason string, claim *corev1.PersistentVolumeClaim) {
	d.refusals = append(d.refusals, refusal{reason, claim})
}

// reasons are the refusals for the user, in kube-scheduler's order: affinity, volumes, space, missing volumes.
func (d *decision) reasons() []string {
	var reasons []string
	for _, reason := range []string{reasonNodeAffinity, reasonNoVolume, reasonNotEnoughSpace, reasonVolumeMissing} {
		for _, refusal := range d.refusals {
			if refusal.reason == reason {
				reasons = append(reasons, reason)
			}
		}
	}
	return reasons
}

// decide says what would become of the claims on a node. csiNode may be nil. It is pure.
func decide(w *podClaims, node *corev1.Node, csiNode *storagev1.CSINode) (*decision, error) {
	d := &decision{}
	if err := d.checkBound(w.bound, node, csiNode); err != nil {
		return nil, err
	}
	for _, claim := range w.provisioning {
		if claim.Annotations[volume.AnnSelectedNode] != node.Name {
			d.refuse(reasonNoVolume, claim.PersistentVolumeClaim) // It is being made for another node.
			return d, nil
		}
	}
	unmatched, err := d.match(w.waiting, node)
	if err != nil {
		return nil, err
	}
	if d.provision(w.provisioning, node) {
		d.provision(unmatched, node)
	}
	return d, nil
}

// checkBound stops at the first claim whose volume cannot be used on the node.
func (d *decision) checkBound(claims []boundClaim, node *corev1.Node, csiNode *storagev1.CSINode) error {
	for _, claim := range claims {
		if claim.volume == nil {
			d.refuse(reasonVolumeMissing, claim.PersistentVolumeClaim)
			return nil
		}
		seen, err := claim.volume.on(csiNode)
		if err != nil {
			return err
		}
		if !isReachable(seen, node) {
			d.refuse(reasonNodeAffinity, claim.PersistentVolumeClaim)
			return nil
		}
	}
	return nil
}

// isReachable reports whether a volume can be used on a node. The error that says it cannot is the only one.
func isReachable(seen *corev1.PersistentVolume, node *corev1.Node) bool {
	return volume.CheckNodeAffinity(seen, node.Labels) == nil
}

// match finds a free volume for each claim, the smallest that will do, and returns the claims for which there is none.
func (d *decision) match(claims []waitingClaim, node *corev1.Node) (unmatched []waitingClaim, err error) {
	var taken map[string]*corev1.PersistentVolume
	for _, claim := range claims {
		found, err := volume.FindMatchingVolume(claim.PersistentVolumeClaim, claim.candidates.of(node), node, taken, true, true)
		if err != nil {
			return nil, fmt.Errorf("matching claim %s with volumes: %w", keyOf(claim), err)
		}
		if found == nil {
			unmatched = append(unmatched, claim)
			continue
		}
		if taken == nil {
			taken = map[string]*corev1.PersistentVolume{}
		}
		taken[found.Name] = found
		d.bindings = append(d.bindings, binding{claim.PersistentVolumeClaim, found})
	}
	return unmatched, nil
}

// provision has a volume made for each claim. It stops at the first for which none can be, and reports whether there was
// no such.
func (d *decision) provision(claims []waitingClaim, node *corev1.Node) bool {
	for _, claim := range claims {
		if name := claim.class.Provisioner; name == "" || name == volume.NotSupportedProvisioner || !claim.topology.allows(node) {
			d.refuse(reasonNoVolume, claim.PersistentVolumeClaim)
			return false
		}
		made := provision{claim: claim.PersistentVolumeClaim}
		if claim.pools != nil {
			if made.pool = claim.pools.reachable(node); made.pool == nil {
				d.refuse(reasonNotEnoughSpace, claim.PersistentVolumeClaim)
				return false
			}
		}
		d.provisions = append(d.provisions, made)
	}
	return true
}
