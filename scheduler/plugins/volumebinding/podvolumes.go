package volumebinding

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
)

// podVolumes is a decision that has been assumed, and what of it has been written.
type podVolumes struct {
	node              string
	staticBindings    []staticBinding
	dynamicProvisions []dynamicProvision
}

// staticBinding is a volume that names its claim.
type staticBinding struct {
	*corev1.PersistentVolume
	claim *corev1.PersistentVolumeClaim
	// written means that the API server has it; if it had it all along, there was nothing to write.
	written bool
}

// dynamicProvision is a claim that names the node for which its volume is to be made.
type dynamicProvision struct {
	*corev1.PersistentVolumeClaim
	written bool
}

// assumePodVolumes assumes a decision, all of it or nothing.
func (l *assumeCaches) assumePodVolumes(d *decision, node string) (*podVolumes, error) {
	made := &podVolumes{node: node}
	for _, binding := range d.bindings {
		if err := l.assumeVolume(made, binding); err != nil {
			l.revertAssumedPodVolumes(made)
			return nil, err
		}
	}
	for _, provision := range d.provisions {
		claim := provision.claim.DeepCopy()
		metav1.SetMetaDataAnnotation(&claim.ObjectMeta, volume.AnnSelectedNode, node)
		if err := l.claims.assume(claim); err != nil {
			l.revertAssumedPodVolumes(made)
			return nil, err
		}
		made.dynamicProvisions = append(made.dynamicProvisions, dynamicProvision{PersistentVolumeClaim: claim})
	}
	return made, nil
}

func (l *assumeCaches) assumeVolume(made *podVolumes, b binding) error {
	bound, changed, err := volume.GetBindVolumeToClaim(b.volume, b.claim)
	if err != nil {
		return fmt.Errorf("binding volume %s to claim %s: %w", b.volume.Name, keyOf(b.claim), err)
	}
	if changed {
		if err := l.volumes.assume(bound); err != nil {
			return err
		}
	}
	made.staticBindings = append(made.staticBindings, staticBinding{bound, b.claim, !changed})
	return nil
}

// revertAssumedPodVolumes forgets what has not been written. What has, stays until the API server shows it.
func (l *assumeCaches) revertAssumedPodVolumes(made *podVolumes) {
	for _, volume := range made.staticBindings {
		if !volume.written {
			l.volumes.restore(volume.PersistentVolume)
		}
	}
	for _, claim := range made.dynamicProvisions {
		if !claim.written {
			l.claims.restore(claim.PersistentVolumeClaim)
		}
	}
}
