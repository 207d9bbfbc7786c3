package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
)

// Claims finds the volumes that claims are bound to.
type Claims interface {
	// PersistentVolume is what the claim is bound to that a volume of a pod names, or that was made for it. A claim that is not bound is
	// an error.
	PersistentVolume(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*corev1.PersistentVolume, error)
}

// claims says whether a volume is a claim's: one that it names (PersistentVolumeClaim), or one that is made for it (Ephemeral).
func claims(volume *corev1.Volume) bool {
	return volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil
}

// claimed links path to where the volume of a claim is on this node. The link is made last, and what a volume is does not change: so
// once it is there nothing is asked or done any more.
func (m *Manager) claimed(ctx context.Context, pod *corev1.Pod, path string, volume *corev1.Volume) error {
	if _, err := os.Readlink(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	persistent, err := m.options.Claims.PersistentVolume(ctx, pod, volume)
	if err != nil {
		return err
	}
	target, err := place(persistent)
	if err != nil {
		return fmt.Errorf("PersistentVolume %s: %w", persistent.Name, err)
	}
	if group := fsGroup(pod); group != nil && persistent.Spec.Local != nil {
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

// place is where a volume is on this node; it is made where the volume says so.
func place(volume *corev1.PersistentVolume) (string, error) {
	if mode := volume.Spec.VolumeMode; mode != nil && *mode != corev1.PersistentVolumeFilesystem {
		return "", fmt.Errorf("it has volumeMode %s, but is specified in volumeMounts", *mode)
	}
	switch {
	case volume.Spec.HostPath != nil:
		return volume.Spec.HostPath.Path, hostPath(volume.Spec.HostPath)
	case volume.Spec.Local != nil:
		return volume.Spec.Local.Path, local(volume.Spec.Local)
	default:
		return "", fmt.Errorf("volumes of its kind are not supported by this node: it is neither a hostPath nor a local volume")
	}
}

// local checks that a directory is there, as the volume promises. A block device is not formatted or mounted here.
func local(volume *corev1.LocalVolumeSource) error {
	info, err := os.Stat(volume.Path)
	if err != nil {
		return fmt.Errorf("the path of the local volume: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no directory: local volumes on block devices are not supported by this node", volume.Path)
	}
	return nil
}
