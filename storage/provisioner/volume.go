package provisioner

import (
	"cmp"
	"maps"

	"github.com/container-storage-interface/spec/lib/go/csi"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/storage/driver"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
)

// The names by which external-provisioner notes things on volumes.
const (
	identityAttribute       = "storage.kubernetes.io/csiProvisionerIdentity"
	deletionSecretName      = "volume.kubernetes.io/provisioner-deletion-secret-name"
	deletionSecretNamespace = "volume.kubernetes.io/provisioner-deletion-secret-namespace"
)

// volume is the PersistentVolume of what a driver has made.
func (s *provision) volume(made *csi.Volume) *ocorev1.PersistentVolume {
	attributes := map[string]string{identityAttribute: s.driver.Name}
	maps.Copy(attributes, made.GetVolumeContext())
	source := &corev1.CSIPersistentVolumeSource{Driver: s.driver.Name, VolumeHandle: made.GetVolumeId(), VolumeAttributes: attributes}
	if !isBlock(s.claim) {
		source.FSType = s.class.Parameters[fsTypeParameter]
	}
	var segments []map[string]string
	for _, topology := range made.GetAccessibleTopology() {
		segments = append(segments, topology.GetSegments())
	}
	bytes := cmp.Or(made.GetCapacityBytes(), s.request.GetCapacityRange().GetRequiredBytes())
	v := &ocorev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:       s.request.GetName(),
			Finalizers: []string{driver.Finalizer},
			Annotations: map[string]string{
				volume.AnnDynamicallyProvisioned: s.driver.Name, deletionSecretName: "", deletionSecretNamespace: "",
			},
		},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   s.claim.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: *resource.NewQuantity(bytes, resource.BinarySI)},
			ClaimRef:                      refer(s.claim),
			MountOptions:                  s.class.MountOptions,
			NodeAffinity:                  driver.Affinity(segments...),
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: source},
			StorageClassName:              s.class.Name,
			VolumeMode:                    s.claim.Spec.VolumeMode,
		},
	}
	if s.class.ReclaimPolicy != nil {
		v.Spec.PersistentVolumeReclaimPolicy = *s.class.ReclaimPolicy
	}
	return v
}

// refer is a claim as a volume names it.
func refer(claim *ocorev1.PersistentVolumeClaim) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
		ResourceVersion: claim.ResourceVersion,
	}
}
