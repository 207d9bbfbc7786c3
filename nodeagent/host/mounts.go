package host

import (
	"fmt"
	"path"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/env"
	"github.com/orrery-dev/orrery/nodeagent/pods"
)

// mounts are the volumes of a container, its /etc/hosts, and the file for its termination message.
func (h *Host) mounts(pod *corev1.Pod, spec *corev1.Container, of pods.ContainerOf, lookup func(string) (string, bool)) ([]*runtimeapi.Mount, error) {
	if h.RootDir == "" {
		return nil, nil
	}
	var mounts []*runtimeapi.Mount
	ownHosts := false
	for i := range spec.VolumeMounts {
		mount, err := h.volumeMount(pod, spec, &spec.VolumeMounts[i], of, lookup)
		if err != nil {
			return nil, err
		}
		ownHosts = ownHosts || mount.ContainerPath == hostsPath
		mounts = append(mounts, mount)
	}
	if !ownHosts {
		hosts, err := h.hostsFile(pod, of.IPs)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, &runtimeapi.Mount{ContainerPath: hostsPath, HostPath: hosts})
	}
	if spec.TerminationMessagePath != "" {
		log, err := h.terminationLog(pod, spec, of.Restarts)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, &runtimeapi.Mount{ContainerPath: spec.TerminationMessagePath, HostPath: log})
	}
	return mounts, nil
}

func (h *Host) volumeMount(pod *corev1.Pod, spec *corev1.Container, mount *corev1.VolumeMount, of pods.ContainerOf, lookup func(string) (string, bool)) (*runtimeapi.Mount, error) {
	volume := volumeOf(pod, mount.Name)
	if volume == nil {
		return nil, fmt.Errorf("cannot find volume %q to mount into container %q", mount.Name, spec.Name)
	}
	sub := mount.SubPath
	if mount.SubPathExpr != "" {
		sub = env.Expand(mount.SubPathExpr, lookup)
	}
	target := mount.MountPath
	if !path.IsAbs(target) {
		target = path.Join("/", target)
	}
	if volume.Image != nil {
		return imageMount(mount, volume, sub, target, of)
	}
	source := h.Volumes.Path(pod, h.podDir(pod), volume)
	if sub != "" {
		resolved, err := h.subPath(source, sub)
		if err != nil {
			return nil, fmt.Errorf("failed to prepare subPath for volumeMount %q of container %q: %w", mount.Name, spec.Name, err)
		}
		source = resolved
	}
	return &runtimeapi.Mount{
		HostPath: source, ContainerPath: target, Readonly: mount.ReadOnly || agentWrites(volume) || claimedReadOnly(volume), Propagation: propagation(mount),
	}, nil
}

// imageMount has the runtime mount an image, or a part of it. Nobody can write there.
func imageMount(mount *corev1.VolumeMount, volume *corev1.Volume, sub, target string, of pods.ContainerOf) (*runtimeapi.Mount, error) {
	image, ok := of.VolumeImages[volume.Name]
	if !ok {
		return nil, fmt.Errorf("volume %q names no image", volume.Name)
	}
	if sub != "" && !filepath.IsLocal(sub) {
		return nil, fmt.Errorf("subPath %q of volumeMount %q has to lead to what is in the image", sub, mount.Name)
	}
	return &runtimeapi.Mount{
		ContainerPath: target, Readonly: true, Propagation: propagation(mount),
		Image: &runtimeapi.ImageSpec{Image: image, UserSpecifiedImage: volume.Image.Reference}, ImageSubPath: sub,
	}, nil
}

// agentWrites says whether the volume's content is the agent's: a container that could change it would change what the agent finds
// there the next time, and other containers with it.
func agentWrites(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.DownwardAPI != nil || volume.Projected != nil
}

// claimedReadOnly says whether the pod asks for the claim's volume to be read alone.
func claimedReadOnly(volume *corev1.Volume) bool {
	return volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ReadOnly
}

func volumeOf(pod *corev1.Pod, name string) *corev1.Volume {
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].Name == name {
			return &pod.Spec.Volumes[i]
		}
	}
	return nil
}

func propagation(mount *corev1.VolumeMount) runtimeapi.MountPropagation {
	if mount.MountPropagation == nil {
		return runtimeapi.MountPropagation_PROPAGATION_PRIVATE
	}
	switch *mount.MountPropagation {
	case corev1.MountPropagationHostToContainer:
		return runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER
	case corev1.MountPropagationBidirectional:
		return runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL
	default:
		return runtimeapi.MountPropagation_PROPAGATION_PRIVATE
	}
}
