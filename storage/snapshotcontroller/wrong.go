package snapshotcontroller

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

// trouble is what keeps a snapshot from having its content.
type trouble struct {
	reason, message string
	// unready says that volumes cannot be made of the snapshot for it.
	unready bool
}

// wrong is what is wrong with a snapshot; nil if nothing is.
func wrong(s *snapshotv1.VolumeSnapshot, w world) *trouble {
	switch {
	case w.content != nil:
		return misbound(s, w.content)
	case claimName(s) == "" || isTaken(s):
		return &trouble{reasonMissing, "VolumeSnapshotContent is missing", true}
	}
	if t := unclassed(s, w); t != nil {
		return t
	}
	if err := untakeable(s, w); err != nil {
		return &trouble{reasonContentFailed, fmt.Sprintf("Failed to create snapshot content with error %v", err), true}
	}
	return nil
}

// unclassed says that a snapshot has no class.
func unclassed(s *snapshotv1.VolumeSnapshot, w world) *trouble {
	name := s.Spec.VolumeSnapshotClassName
	switch {
	case name != nil && w.class == nil:
		return &trouble{reasonClassFailed, fmt.Sprintf("Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io %q not found", *name), false}
	case name != nil || len(w.defaults) == 1:
		return nil
	}
	err := unbound(s, w)
	switch {
	case err != nil:
	case len(w.defaults) == 0:
		err = errors.New("cannot find default snapshot class")
	default:
		err = fmt.Errorf("%d default snapshot classes were found", len(w.defaults))
	}
	return &trouble{reasonDefaultFailed, fmt.Sprintf("Failed to set default snapshot class with error %v", err), false}
}

// unbound is why the claim has no volume; nil if it has one.
func unbound(s *snapshotv1.VolumeSnapshot, w world) error {
	switch {
	case w.claim == nil:
		return fmt.Errorf("failed to retrieve PVC %s from the lister: %q", claimName(s), fmt.Sprintf("persistentvolumeclaim %q not found", claimName(s)))
	case w.claim.Status.Phase != corev1.ClaimBound:
		return fmt.Errorf("the PVC %s is not yet bound to a PV, will not attempt to take a snapshot", w.claim.Name)
	case w.volume == nil:
		return errors.New("claim in dataSource not bound or invalid")
	default:
		return nil
	}
}

// misbound says that a content is not one for the snapshot.
func misbound(s *snapshotv1.VolumeSnapshot, content *snapshotv1.VolumeSnapshotContent) *trouble {
	made, ref := content.Spec.Source.SnapshotHandle != nil, content.Spec.VolumeSnapshotRef
	switch {
	case claimName(s) == "" && !made:
		return &trouble{reasonMismatch, "VolumeSnapshotContent is dynamically provisioned while expecting a pre-provisioned one", true}
	case claimName(s) != "" && made:
		return &trouble{reasonMismatch, "VolumeSnapshotContent " + content.Name + " is pre-provisioned while expecting a dynamically provisioned one", true}
	case snapshotkinds.PointsBack(content, s), made && ref.Namespace == s.Namespace && ref.Name == s.Name && ref.UID == "":
		return nil
	default:
		return &trouble{reasonMisbound, "VolumeSnapshotContent [" + content.Name + "] is bound to a different snapshot", true}
	}
}

// untakeable is why no snapshot can be taken of the claim; nil if one can.
func untakeable(s *snapshotv1.VolumeSnapshot, w world) error {
	const update = "snapshot controller failed to update"
	claim := w.claim
	switch {
	case claim == nil:
		return fmt.Errorf("%s %s on API server: cannot get claim from snapshot", update, s.Name)
	case claim.DeletionTimestamp != nil && !slices.Contains(claim.Finalizers, snapshotkinds.ClaimFinalizer):
		return fmt.Errorf("%s %s on API server: cannot add finalizer on claim because it is being deleted", update, claim.Name)
	}
	err := unbound(s, w)
	if err == nil {
		err = unfit(w)
	}
	if err != nil {
		return fmt.Errorf("failed to get input parameters to create snapshot %s: %q", s.Name, err.Error())
	}
	return nil
}

// unfit is why the class is none for a snapshot of the volume; nil if it is one, or is still to be named.
func unfit(w world) error {
	if w.class == nil {
		return nil
	}
	if w.class.Driver != w.volume.Spec.CSI.Driver {
		return fmt.Errorf("class %s is of driver %s, and volume %s of driver %s", w.class.Name, w.class.Driver, w.volume.Name, w.volume.Spec.CSI.Driver)
	}
	for key := range w.class.Parameters {
		if strings.HasPrefix(key, "csi.storage.k8s.io/") && strings.Contains(key, "secret") {
			return fmt.Errorf("class %s has the parameter %s, and this snapshotter reads no Secrets", w.class.Name, key)
		}
	}
	return nil
}
