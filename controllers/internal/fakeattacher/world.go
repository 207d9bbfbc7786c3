package fakeattacher

import (
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/attachable"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Driver is the CSI driver of all volumes here.
const Driver = "csi.example.com"

// ID is the volume of a name.
func ID(name string) attachable.ID { return attachable.ID{Driver: Driver, Handle: "handle-" + name} }

// Node makes a node one that leaves attaching to the control plane.
func Node(node *ocorev1.Node) {
	node.Annotations = map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
}

// Bound is a volume of the driver, and the claim of the same name that it is bound to.
func Bound(name string, modes ...corev1.PersistentVolumeAccessMode) (*ocorev1.PersistentVolume, *ocorev1.PersistentVolumeClaim) {
	claim := gen.PersistentVolumeClaim(name, func(claim *ocorev1.PersistentVolumeClaim) {
		claim.Spec.VolumeName, claim.Status.Phase = name, corev1.ClaimBound
	})
	pv := gen.PersistentVolume(name, func(pv *ocorev1.PersistentVolume) {
		pv.Spec.AccessModes = modes
		pv.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: Driver, VolumeHandle: ID(name).Handle},
		}
		pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
		pv.Status.Phase = corev1.VolumeBound
	})
	return pv, claim
}

// Objects are a bound volume and its claim as objects.
func Objects(name string, modes ...corev1.PersistentVolumeAccessMode) []client.Object {
	pv, claim := Bound(name, modes...)
	return []client.Object{pv, claim}
}

// Attachment is the attachment of a volume to a node, as it is asked for.
func Attachment(name, node string) *ostoragev1.VolumeAttachment {
	return &ostoragev1.VolumeAttachment{
		ObjectMeta: metav1.ObjectMeta{Name: ID(name).Attachment(node), UID: types.UID(name + "-" + node)},
		Spec: storagev1.VolumeAttachmentSpec{
			Attacher: Driver, NodeName: node, Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &name},
		},
	}
}
