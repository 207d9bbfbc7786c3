package cache

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// images counts on how many nodes each image is.
type images struct {
	byName map[string]*fwk.ImageStateSummary
	// version grows with every count that changes.
	version int64
}

// add counts a node's images, and returns those by name. An image has the size that the first node reported.
func (i *images) add(node *corev1.Node) map[string]*fwk.ImageStateSummary {
	own := map[string]*fwk.ImageStateSummary{}
	for _, image := range node.Status.Images {
		for _, name := range image.Names {
			summary, known := i.byName[name]
			if !known {
				summary = &fwk.ImageStateSummary{Size: image.SizeBytes, Nodes: sets.New[string]()}
				i.byName[name] = summary
			}
			summary.Nodes.Insert(node.Name)
			i.version++
			own[name] = summary
		}
	}
	return own
}

// remove takes back what add counted. A nil node has no images.
func (i *images) remove(node *corev1.Node) {
	if node == nil {
		return
	}
	for _, image := range node.Status.Images {
		for _, name := range image.Names {
			summary, known := i.byName[name]
			if !known {
				continue
			}
			summary.Nodes.Delete(node.Name)
			i.version++
			if summary.Nodes.Len() == 0 {
				delete(i.byName, name)
			}
		}
	}
}
