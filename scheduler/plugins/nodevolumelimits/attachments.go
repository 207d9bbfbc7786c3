package nodevolumelimits

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// byNode is the index of VolumeAttachments by the node that they are for.
const byNode = "nodevolumelimits.spec.nodeName"

// attachments finds the VolumeAttachments of a node.
type attachments struct{ indexer cache.Indexer }

// indexAttachments adds the index to an informer, unless another profile's plugin did.
func indexAttachments(informer cache.SharedIndexInformer) (attachments, error) {
	err := informer.AddIndexers(cache.Indexers{byNode: func(object any) ([]string, error) {
		if attachment, ok := object.(*storagev1.VolumeAttachment); ok {
			return []string{attachment.Spec.NodeName}, nil
		}
		return nil, nil
	}})
	if err != nil && informer.GetIndexer().GetIndexers()[byNode] == nil {
		return attachments{}, fmt.Errorf("indexing VolumeAttachments by node: %w", err)
	}
	return attachments{informer.GetIndexer()}, nil
}

// on returns the volumes of CSI drivers that are attached to a node, or about to be, by what VolumeAttachments say.
func (a attachments) on(node string, volumes corelisters.PersistentVolumeLister) (set, error) {
	objects, err := a.indexer.ByIndex(byNode, node)
	if err != nil {
		return nil, fmt.Errorf("listing VolumeAttachments of node %s: %w", node, err)
	}
	found := set{}
	for _, object := range objects {
		spec := object.(*storagev1.VolumeAttachment).Spec
		if spec.Attacher == "" || spec.Source.PersistentVolumeName == nil {
			continue
		}
		volume, err := volumes.Get(*spec.Source.PersistentVolumeName)
		if err != nil || volume.Spec.CSI == nil {
			continue // What it was cannot be told any more.
		}
		found[identity{driver: spec.Attacher, handle: volume.Spec.CSI.VolumeHandle}] = true
	}
	return found, nil
}
