package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Claims finds the volumes that claims are bound to.
type Claims interface {
	// Bound is the claim that a volume of a pod names, or that was made for it, and what it is bound to. A claim that is not bound is an
	// error.
	Bound(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolumeClaim, *corev1.PersistentVolume, error)
	// WriteStatus makes the status of a claim that was read another one, and returns the claim as it is then.
	WriteStatus(ctx context.Context, read, changed *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error)
}

// claims says whether a volume is a claim's: one that it names (PersistentVolumeClaim), or one that is made for it (Ephemeral).
func claims(volume *corev1.Volume) bool {
	return volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil
}

// claimed has path be a link to where the volume of a claim is on this node. What a directory of the node is does not change: so once the
// link is there nothing is asked or done any more. About volumes of CSI drivers there may be more to do, unless nothing can be asked.
func (m *Manager) claimed(ctx context.Context, pod *corev1.Pod, dir, path string, volume *corev1.Volume) error {
	target, err := os.Readlink(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	has := false
	if err == nil {
		name, ofDriver := m.options.CSI.nameAt(dir, target)
		if !ofDriver {
			return nil
		}
		has = m.known.isPublished(dir, name)
	}
	claim, persistent, err := m.options.Claims.Bound(ctx, pod, volume)
	switch {
	case err != nil && has:
		return nil
	case err != nil:
		return err
	}
	if err := rightMode(pod, volume, persistent); err != nil {
		return err
	}
	if persistent.Spec.CSI != nil {
		readOnly := volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ReadOnly
		return m.mountCSI(ctx, pod, dir, path, persistentCSI(claim, persistent, readOnly))
	}
	return m.link(pod, path, persistent)
}

// link links path to a volume that is a directory or a device of this node. The link is made last.
func (m *Manager) link(pod *corev1.Pod, path string, persistent *corev1.PersistentVolume) error {
	target, err := place(persistent)
	if err != nil {
		return fmt.Errorf("PersistentVolume %s: %w", persistent.Name, err)
	}
	if group := fsGroup(pod); group != nil && persistent.Spec.Local != nil && !isBlock(persistent) {
		if err := giveToGroup(m.disk, target, int(*group), changePolicy(pod)); err != nil {
			return fmt.Errorf("giving PersistentVolume %s to group %d: %w", persistent.Name, *group, err)
		}
	}
	if err := m.disk.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the directory of volumes: %w", err)
	}
	if err := m.disk.Symlink(target, path); err != nil {
		return fmt.Errorf("linking to PersistentVolume %s: %w", persistent.Name, err)
	}
	return nil
}

// rightMode holds that containers have a device as a device, and a file system as a file system.
func rightMode(pod *corev1.Pod, volume *corev1.Volume, persistent *corev1.PersistentVolume) error {
	block := isBlock(persistent)
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			mounted := slices.ContainsFunc(list[i].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume.Name })
			if block && mounted {
				return fmt.Errorf("volume %s has volumeMode Block, but is specified in volumeMounts", volume.Name)
			}
			device := slices.ContainsFunc(list[i].VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == volume.Name })
			if !block && device {
				return fmt.Errorf("volume %s has volumeMode Filesystem, but is specified in volumeDevices", volume.Name)
			}
		}
	}
	return nil
}

// place is where a volume is on this node; it is made where the volume says so.
func place(volume *corev1.PersistentVolume) (string, error) {
	switch {
	case volume.Spec.HostPath != nil:
		return volume.Spec.HostPath.Path, hostPath(volume.Spec.HostPath)
	case volume.Spec.Local != nil:
		return volume.Spec.Local.Path, local(volume.Spec.Local, isBlock(volume))
	default:
		return "", fmt.Errorf("volumes of its kind are not supported by this node: it is neither a hostPath nor a local volume, nor a CSI driver's")
	}
}

// local checks that a directory or a device is there, as the volume promises. A device is not formatted here.
func local(volume *corev1.LocalVolumeSource, block bool) error {
	info, err := os.Stat(volume.Path)
	if err != nil {
		return fmt.Errorf("the path of the local volume: %w", err)
	}
	switch device := is(info.Mode(), corev1.HostPathBlockDev); {
	case block && !device:
		return fmt.Errorf("%s is no block device", volume.Path)
	case !block && !info.IsDir():
		return fmt.Errorf("%s is no directory: file systems on block devices are not mounted by this node", volume.Path)
	default:
		return nil
	}
}
