// Package imagelocality prefers nodes that have the pod's images already, the larger the better. An image that is on few
// nodes counts less, so that pods do not heap up where an image happened to be pulled first.
package imagelocality

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// Name is the plugin's name in configurations.
const Name = "ImageLocality"

const (
	megabyte = 1024 * 1024
	// Images that sum up to less than this make no difference; more than this per image makes no further difference.
	leastBytes        int64 = 23 * megabyte
	mostBytesPerImage int64 = 1000 * megabyte
)

// Plugin reads the number of nodes from the snapshot.
type Plugin struct{ handle fwk.Handle }

var (
	_ fwk.ScorePlugin       = &Plugin{}
	_ fwk.SignPlugin        = &Plugin{}
	_ framework.NodeCounter = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{handle: handle}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// Score is 0 to 100 by how many bytes of the pod's images the node has.
func (p *Plugin) Score(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	nodes, err := p.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return 0, fwk.AsStatus(fmt.Errorf("counting nodes: %w", err))
	}
	states := node.GetImageStates()
	if len(states) == 0 {
		return 0, nil
	}
	images := imagesOf(pod)
	var bytes int64
	for _, image := range images {
		if state, present := states[image]; present {
			bytes += int64(float64(state.Size) * (float64(state.NumNodes) / float64(len(nodes))))
		}
	}
	most := mostBytesPerImage * int64(len(images))
	bytes = max(leastBytes, min(bytes, most))
	return fwk.MaxScore * (bytes - leastBytes) / (most - leastBytes), nil
}

// ScoreExtensions returns nil: the scores are 0 to 100 already.
func (*Plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// SignPod says that the images decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	images := imagesOf(pod)
	slices.Sort(images)
	return []fwk.SignFragment{{Key: fwk.ImageNamesSignerName, Value: slices.Compact(images)}}, nil
}

// AppendEquivalenceKey appends the images, one for each use, and in their order.
func (*Plugin) AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool) {
	appendImages := func(containers []corev1.Container) {
		for i := range containers {
			key = framework.AppendText(key, containers[i].Image)
		}
	}
	appendImages(pod.Spec.InitContainers)
	appendImages(pod.Spec.Containers)
	for i := range pod.Spec.Volumes {
		if image := pod.Spec.Volumes[i].Image; image != nil {
			key = framework.AppendText(key, image.Reference)
		}
	}
	return key, true
}

// CountsNodes says that an image is worth the more, the larger the share of nodes that have it.
func (*Plugin) CountsNodes(pod *corev1.Pod) func(fwk.NodeInfo) bool {
	images := imagesOf(pod)
	return func(node fwk.NodeInfo) bool {
		states := node.GetImageStates()
		return len(states) > 0 && slices.ContainsFunc(images, func(image string) bool { return states[image] != nil })
	}
}

// imagesOf returns the images of a pod's containers and image volumes, one for each use.
func imagesOf(pod *corev1.Pod) []string {
	var images []string
	for _, container := range pod.Spec.InitContainers {
		images = append(images, withTag(container.Image))
	}
	for _, container := range pod.Spec.Containers {
		images = append(images, withTag(container.Image))
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Image != nil {
			images = append(images, withTag(volume.Image.Reference))
		}
	}
	return images
}

// withTag adds the default tag. A colon before the last slash belongs to a registry's port.
func withTag(image string) string {
	if strings.LastIndex(image, ":") <= strings.LastIndex(image, "/") {
		return image + ":latest"
	}
	return image
}
