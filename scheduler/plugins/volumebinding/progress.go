package volumebinding

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/component-helpers/storage/volume"
)

// bindingState is what the API server shows of volumes and claims that have been written.
type bindingState struct {
	node    *corev1.Node // nil: gone
	csiNode *storagev1.CSINode
	pod     *corev1.Pod // nil: gone
	volumes map[string]*corev1.PersistentVolume
	claims  map[string]*corev1.PersistentVolumeClaim
}

// bindingState reads what progress needs. The assume caches are passed over: what others assume by now is not what has
// happened.
func (p *Plugin) bindingState(pod *corev1.Pod, made *podVolumes) bindingState {
	s := bindingState{
		node:    p.api.Node(made.node),
		csiNode: p.csiNode(made.node),
		pod:     p.api.Pod(pod.Namespace, pod.Name),
		volumes: map[string]*corev1.PersistentVolume{},
		claims:  map[string]*corev1.PersistentVolumeClaim{},
	}
	see := func(claim *corev1.PersistentVolumeClaim, volumeName string) {
		if shown, found := p.assumed.claims.stored(keyOf(claim)); found {
			s.claims[keyOf(claim)] = shown
			if volumeName == "" {
				volumeName = shown.Spec.VolumeName
			}
		}
		if shown, found := p.assumed.volumes.stored(volumeName); found {
			s.volumes[volumeName] = shown
		}
	}
	for _, binding := range made.staticBindings {
		see(binding.claim, binding.Name)
	}
	for _, claim := range made.dynamicProvisions {
		see(claim.PersistentVolumeClaim, "")
	}
	return s
}

// progress says what is still to happen before all is bound, or "" when nothing is. An error means that it will not
// happen any more. It is pure.
func (p *podVolumes) progress(s bindingState) (pending string, err error) {
	switch {
	case s.node == nil:
		return "", fmt.Errorf("node %q is gone", p.node)
	case s.pod == nil:
		return "", errors.New("pod does not exist any more")
	}
	for _, binding := range p.staticBindings {
		if pending, err := s.boundTo(binding); err != nil || pending != "" {
			return pending, err
		}
	}
	for _, claim := range p.dynamicProvisions {
		if pending, err := s.provisioned(claim, p.node); err != nil || pending != "" {
			return pending, err
		}
	}
	return "", nil
}

func (s bindingState) boundTo(bound staticBinding) (pending string, err error) {
	shown, claim := s.volumes[bound.Name], s.claims[keyOf(bound.claim)]
	switch {
	case shown == nil:
		return "", fmt.Errorf("pv %q is gone", bound.Name)
	case claim == nil:
		return "", fmt.Errorf("PVC %q is gone", bound.claim.Name)
	case older(shown.ResourceVersion, bound.ResourceVersion):
		return fmt.Sprintf("volume %s is not yet seen to be written", bound.Name), nil
	}
	if err := s.usable(shown); err != nil {
		return "", err
	}
	if shown.Spec.ClaimRef == nil || shown.Spec.ClaimRef.UID == "" {
		return "", fmt.Errorf("ClaimRef got reset for pv %q", shown.Name)
	}
	if !isBound(claim) {
		return fmt.Sprintf("claim %s is not yet bound to volume %s", keyOf(claim), shown.Name), nil
	}
	return "", nil
}

func (s bindingState) provisioned(wanted dynamicProvision, node string) (pending string, err error) {
	claim := s.claims[keyOf(wanted)]
	switch {
	case claim == nil:
		return "", fmt.Errorf("PVC %q is gone", wanted.Name)
	case older(claim.ResourceVersion, wanted.ResourceVersion):
		return fmt.Sprintf("claim %s is not yet seen to be written", keyOf(wanted)), nil
	case claim.Annotations == nil:
		return "", fmt.Errorf("selectedNode annotation reset for PVC %q", claim.Name)
	case claim.Annotations[volume.AnnSelectedNode] != node:
		// This is how a provisioner says that it cannot.
		return "", fmt.Errorf("provisioning failed for PVC %q", claim.Name)
	case claim.Spec.VolumeName == "":
		return fmt.Sprintf("no volume has been made for claim %s", keyOf(claim)), nil
	}
	made := s.volumes[claim.Spec.VolumeName]
	if made == nil {
		return fmt.Sprintf("volume %s of claim %s is not yet seen", claim.Spec.VolumeName, keyOf(claim)), nil
	}
	if err := s.usable(made); err != nil {
		return "", err
	}
	if !isBound(claim) {
		return fmt.Sprintf("claim %s is not yet bound to volume %s", keyOf(claim), made.Name), nil
	}
	return "", nil
}

// usable checks a volume against the node as both are by now.
func (s bindingState) usable(shown *corev1.PersistentVolume) error {
	seen, err := serve(shown).on(s.csiNode)
	if err != nil {
		return err
	}
	if err := volume.CheckNodeAffinity(seen, s.node.Labels); err != nil {
		return fmt.Errorf("pv %q node affinity doesn't match node %q: %w", shown.Name, s.node.Name, err)
	}
	return nil
}

// older reports whether version a came before b. What cannot be compared is not.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
