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
	recursive, err := recursiveReadOnly(mount, of.Features)
	if err != nil {
		return nil, err
	}
	target := mount.MountPath
	if !path.IsAbs(target) {
		target = path.Join("/", target)
	}
	if volume.Image != nil {
		return imageMount(mount, volume, sub, target, of, recursive)
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
		RecursiveReadOnly: recursive,
	}, nil
}

// devices are the volumes that a container has as block devices.
func (h *Host) devices(pod *corev1.Pod, spec *corev1.Container) ([]*runtimeapi.Device, error) {
	if h.RootDir == "" {
		return nil, nil
	}
	var devices []*runtimeapi.Device
	for _, device := range spec.VolumeDevices {
		volume := volumeOf(pod, device.Name)
		if volume == nil {
			return nil, fmt.Errorf("cannot find volume %q to pass into container %q", device.Name, spec.Name)
		}
		permissions := "mrw"
		if claimedReadOnly(volume) {
			permissions = "mr"
		}
		devices = append(devices, &runtimeapi.Device{
			HostPath: h.Volumes.Path(pod, h.podDir(pod), volume), ContainerPath: device.DevicePath, Permissions: permissions,
		})
	}
	return devices, nil
}

// imageMount has the runtime mount an image, or a part of it. Nobody can write there.
func imageMount(mount *corev1.VolumeMount, volume *corev1.Volume, sub, target string, of pods.ContainerOf, recursive bool) (*runtimeapi.Mount, error) {
	image, ok := of.VolumeImages[volume.Name]
	if !ok {
		return nil, fmt.Errorf("volume %q names no image", volume.Name)
	}
	if sub != "" && !filepath.IsLocal(sub) {
		return nil, fmt.Errorf("subPath %q of volumeMount %q has to lead to what is in the image", sub, mount.Name)
	}
	return &runtimeapi.Mount{
		ContainerPath: target, Readonly: true, RecursiveReadOnly: recursive, Propagation: propagation(mount),
		Image: &runtimeapi.ImageSpec{Image: image, UserSpecifiedImage: volume.Image.Reference}, ImageSubPath: sub,
	}, nil
}

// recursiveReadOnly says whether what is mounted below a volume is read-only as well. Where that was asked for and cannot be had, the
// container is not started; where it was asked for if possible, it depends on what the handler of the runtime can do.
func recursiveReadOnly(mount *corev1.VolumeMount, features *runtimeapi.RuntimeHandlerFeatures) (bool, error) {
	if mount.RecursiveReadOnly == nil || *mount.RecursiveReadOnly == corev1.RecursiveReadOnlyDisabled {
		return false, nil
	}
	able := features.GetRecursiveReadOnlyMounts()
	switch private := propagation(mount) == runtimeapi.MountPropagation_PROPAGATION_PRIVATE; {
	case !mount.ReadOnly:
		return false, fmt.Errorf("volume %q requested recursive read-only mode, but it is not read-only", mount.Name)
	case !private:
		return false, fmt.Errorf("volume %q requested recursive read-only mode, but it is not compatible with propagation %q", mount.Name, *mount.MountPropagation)
	case able, *mount.RecursiveReadOnly == corev1.RecursiveReadOnlyIfPossible:
		return able, nil
	default:
		return false, fmt.Errorf("volume %q requested recursive read-only mode, but it is not supported by the runtime", mount.Name)
	}
}

// agentWrites says whether the volume's content is the agent's: a container that could change it would change what the agent finds
// there the next time, and other containers with it.
func agentWrites(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.DownwardAPI != nil || volume.Projected != nil
}

// claimedReadOnly says whether the pod asks for the volume of a claim, or of a CSI driver, to be read alone.
func claimedReadOnly(volume *corev1.Volume) bool {
	return volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ReadOnly ||
		volume.CSI != nil && volume.CSI.ReadOnly != nil && *volume.CSI.ReadOnly
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
