package volumebinding

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
)

// promise is a decision that has been entered in the ledger, and what of it has been written.
type promise struct {
	node     string
	bindings []promisedVolume
	claims   []promisedClaim
}

// promisedVolume is a volume that names its claim.
type promisedVolume struct {
	*corev1.PersistentVolume
	claim *corev1.PersistentVolumeClaim
	// written means that the API server has it; if it had it all along, there was nothing to write.
	written bool
}

// promisedClaim is a claim that names the node for which its volume is to be made.
type promisedClaim struct {
	*corev1.PersistentVolumeClaim
	written bool
}

// assume enters a decision in the ledger, all of it or nothing.
func (l *ledger) assume(d *decision, node string) (*promise, error) {
	made := &promise{node: node}
	for _, binding := range d.bindings {
		if err := l.assumeVolume(made, binding); err != nil {
			l.takeBack(made)
			return nil, err
		}
	}
	for _, provision := range d.provisions {
		claim := provision.claim.DeepCopy()
		metav1.SetMetaDataAnnotation(&claim.ObjectMeta, volume.AnnSelectedNode, node)
		if err := l.claims.assume(claim); err != nil {
			l.takeBack(made)
			return nil, err
		}
		made.claims = append(made.claims, promisedClaim{PersistentVolumeClaim: claim})
	}
	return made, nil
}

func (l *ledger) assumeVolume(made *promise, b binding) error {
	bound, changed, err := volume.GetBindVolumeToClaim(b.volume, b.claim)
	if err != nil {
		return fmt.Errorf("binding volume %s to claim %s: %w", b.volume.Name, keyOf(b.claim), err)
	}
	if changed {
		if err := l.volumes.assume(bound); err != nil {
			return err
		}
	}
	made.bindings = append(made.bindings, promisedVolume{bound, b.claim, !changed})
	return nil
}

// takeBack removes from the ledger what has not been written. What has, stays until the API server shows it.
func (l *ledger) takeBack(made *promise) {
	for _, volume := range made.bindings {
		if !volume.written {
			l.volumes.restore(volume.PersistentVolume)
		}
	}
	for _, claim := range made.claims {
		if !claim.written {
			l.claims.restore(claim.PersistentVolumeClaim)
		}
	}
}
