// Package attachable knows which volumes have to be attached to a node before a pod can mount them there, and what is said about
// them: in VolumeAttachments, and in the status of nodes.
//
// These are volumes of CSI drivers: a PersistentVolume of one, behind a claim of the pod that is bound to it, or a volume of a kind
// that Kubernetes once drove itself and a CSI driver does today (AWS EBS, GCE PD, Azure Disk and File, Cinder, vSphere and
// Portworx), be it a PersistentVolume or in the pod itself. A driver whose CSIDriver says attachRequired: false has none, and what a
// pod has inline of a CSI driver is none either.
//
// It owns the names: of a volume, of its VolumeAttachment on a node, and the indexes by which both are found. It promises that they
// are kube-controller-manager's, letter by letter. It decides nothing.
package attachable
