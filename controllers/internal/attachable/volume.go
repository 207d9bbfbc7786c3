package attachable

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	csitranslation "k8s.io/csi-translation-lib"
)

// ID is what a volume is known by, whatever PersistentVolume it is: its CSI driver, and its handle there.
type ID struct{ Driver, Handle string }

// separator stands between a driver and a handle. A driver's name has none.
const separator = "^"

// prefix says in the status of a node that a volume is one of a CSI driver.
const prefix = "kubernetes.io/csi/"

func (id ID) String() string { return id.Driver + separator + id.Handle }

// Name is how the status of a node names the volume.
func (id ID) Name() corev1.UniqueVolumeName { return corev1.UniqueVolumeName(prefix + id.String()) }

// Attachment is the name of the VolumeAttachment of the volume on a node.
func (id ID) Attachment(node string) string {
	return fmt.Sprintf("csi-%x", sha256.Sum256([]byte(id.Handle+id.Driver+node)))
}

// Parse is the reverse of String.
func Parse(s string) (ID, bool) {
	driver, handle, found := strings.Cut(s, separator)
	return ID{driver, handle}, found && driver != "" && handle != ""
}

// ParseName is the reverse of Name. Volumes of other plugins, as iSCSI, have other names.
func ParseName(name corev1.UniqueVolumeName) (ID, bool) {
	s, csi := strings.CutPrefix(string(name), prefix)
	id, valid := Parse(s)
	return id, csi && valid
}

// Volume is one that a pod cannot mount before it has been attached.
type Volume struct {
	ID
	// Called is what people call it: the name of the PersistentVolume.
	Called string
	// Source is where its VolumeAttachments say that it is.
	Source storagev1.VolumeAttachmentSource
	// Exclusive is that one node at a time may have it.
	Exclusive bool
}

var translator = csitranslation.New()

// OfPersistentVolume is the volume that a PersistentVolume is, if it is one of a CSI driver.
func OfPersistentVolume(pv *ocorev1.PersistentVolume) (Volume, bool) {
	translated := (*corev1.PersistentVolume)(pv)
	if translator.IsPVMigratable(translated) {
		var err error
		if translated, err = translator.TranslateInTreePVToCSI(logr.Discard(), translated); err != nil {
			return Volume{}, false
		}
	}
	name := pv.Name
	return of(translated, storagev1.VolumeAttachmentSource{PersistentVolumeName: &name})
}

// OfInline is the volume that a pod has in itself, of a kind that a CSI driver has taken over.
func OfInline(volume *corev1.Volume, namespace string) (Volume, bool) {
	if !translator.IsInlineMigratable(volume) {
		return Volume{}, false
	}
	translated, err := translator.TranslateInTreeInlineVolumeToCSI(logr.Discard(), volume, namespace)
	if err != nil {
		return Volume{}, false
	}
	return of(translated, storagev1.VolumeAttachmentSource{InlineVolumeSpec: &translated.Spec})
}

func of(translated *corev1.PersistentVolume, source storagev1.VolumeAttachmentSource) (Volume, bool) {
	csi := translated.Spec.CSI
	if csi == nil {
		return Volume{}, false
	}
	return Volume{
		ID:        ID{csi.Driver, csi.VolumeHandle},
		Called:    translated.Name,
		Source:    source,
		Exclusive: exclusive(translated.Spec.AccessModes),
	}, true
}

// exclusive reports that access modes are known, and none of them is for many nodes.
func exclusive(modes []corev1.PersistentVolumeAccessMode) bool {
	return len(modes) > 0 && !slices.ContainsFunc(modes, func(mode corev1.PersistentVolumeAccessMode) bool {
		return mode == corev1.ReadWriteMany || mode == corev1.ReadOnlyMany
	})
}
