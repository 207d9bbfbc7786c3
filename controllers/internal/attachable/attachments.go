package attachable

import (
	"context"
	"fmt"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// OfAttachment is the volume that a VolumeAttachment is about, if it is known and the attachment has the name that the volume's has on
// its node. One of another name was made by somebody else, for their own ends.
func OfAttachment(ctx context.Context, read client.Reader, attachment *ostoragev1.VolumeAttachment) (Volume, bool, error) {
	volume, found, err := ofSource(ctx, read, attachment)
	return volume, found && attachment.Name == volume.Attachment(attachment.Spec.NodeName), err
}

func ofSource(ctx context.Context, read client.Reader, attachment *ostoragev1.VolumeAttachment) (Volume, bool, error) {
	source := attachment.Spec.Source
	switch {
	case source.PersistentVolumeName != nil:
		pv := &ocorev1.PersistentVolume{}
		if found, err := get(ctx, read, client.ObjectKey{Name: *source.PersistentVolumeName}, pv); !found {
			return Volume{}, false, err
		}
		volume, found := OfPersistentVolume(pv)
		return volume, found, nil
	case source.InlineVolumeSpec != nil && source.InlineVolumeSpec.CSI != nil:
		csi := source.InlineVolumeSpec.CSI
		return Volume{ID: ID{csi.Driver, csi.VolumeHandle}, Called: csi.VolumeHandle}, true, nil
	default:
		return Volume{}, false, nil
	}
}

// OnNode are the VolumeAttachments for a node.
func OnNode(ctx context.Context, read client.Reader, node string) ([]ostoragev1.VolumeAttachment, error) {
	var attachments ostoragev1.VolumeAttachmentList
	if err := read.List(ctx, &attachments, client.MatchingFields{byNode: node}); err != nil {
		return nil, fmt.Errorf("listing the VolumeAttachments of node %s: %w", node, err)
	}
	return attachments.Items, nil
}

// OfVolume are the VolumeAttachments of a volume, which is the given PersistentVolumes or is in pods.
func OfVolume(ctx context.Context, read client.Reader, id ID, pvs []ocorev1.PersistentVolume) ([]ostoragev1.VolumeAttachment, error) {
	sources := []string{sourceInline(id)}
	for i := range pvs {
		sources = append(sources, sourcePersistent(pvs[i].Name))
	}
	var found []ostoragev1.VolumeAttachment
	for _, source := range sources {
		var attachments ostoragev1.VolumeAttachmentList
		if err := read.List(ctx, &attachments, client.MatchingFields{byVolume: source}); err != nil {
			return nil, fmt.Errorf("listing the VolumeAttachments of volume %s: %w", id, err)
		}
		for _, attachment := range attachments.Items {
			if attachment.Name == id.Attachment(attachment.Spec.NodeName) {
				found = append(found, attachment)
			}
		}
	}
	return found, nil
}
