package volumes

import (
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
)

// emptyDir makes a directory that everybody may write to, or a file system in memory. One that is there is left as the
// pod's containers have made it.
func emptyDir(path string, volume *corev1.EmptyDirVolumeSource, group *int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	err := os.Mkdir(path, 0o755)
	if err != nil && !os.IsExist(err) {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	fresh := err == nil
	switch volume.Medium {
	case corev1.StorageMediumDefault:
	case corev1.StorageMediumMemory:
		size := int64(0)
		if volume.SizeLimit != nil {
			size = volume.SizeLimit.Value()
		}
		if fresh, err = mountMemory(path, size); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the medium %q is not supported", volume.Medium)
	}
	if !fresh {
		return nil
	}
	return openTo(path, group)
}

// openTo lets everybody write, and gives what is made in the directory to the group.
func openTo(path string, group *int64) error {
	mode := os.FileMode(0o777)
	if group != nil {
		if err := os.Chown(path, -1, int(*group)); err != nil {
			return fmt.Errorf("giving the volume to its group: %w", err)
		}
		mode |= os.ModeSetgid
	}
	if err := os.Chmod(path, mode); err != nil { // not left to the umask
		return fmt.Errorf("setting the mode of the volume's directory: %w", err)
	}
	return nil
}

// hostPath checks that what is at the path is of the type that was asked for, or makes it.
func hostPath(volume *corev1.HostPathVolumeSource) error {
	kind := corev1.HostPathUnset
	if volume.Type != nil {
		kind = *volume.Type
	}
	switch kind {
	case corev1.HostPathUnset:
		return nil
	case corev1.HostPathDirectoryOrCreate:
		if err := os.MkdirAll(volume.Path, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", volume.Path, err)
		}
		kind = corev1.HostPathDirectory
	case corev1.HostPathFileOrCreate:
		file, err := os.OpenFile(volume.Path, os.O_CREATE|os.O_RDONLY, 0o644)
		if err != nil {
			return fmt.Errorf("making %s: %w", volume.Path, err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("making %s: %w", volume.Path, err)
		}
		kind = corev1.HostPathFile
	}
	info, err := os.Stat(volume.Path)
	if err != nil || !is(info.Mode(), kind) {
		return fmt.Errorf("hostPath type check failed: %s is not a %s", volume.Path, describe[kind])
	}
	return nil
}

var describe = map[corev1.HostPathType]string{
	corev1.HostPathDirectory: "directory", corev1.HostPathFile: "file", corev1.HostPathSocket: "socket file",
	corev1.HostPathCharDev: "character device", corev1.HostPathBlockDev: "block device",
}

func is(mode os.FileMode, kind corev1.HostPathType) bool {
	switch kind {
	case corev1.HostPathDirectory:
		return mode.IsDir()
	case corev1.HostPathFile:
		return mode.IsRegular()
	case corev1.HostPathSocket:
		return mode&os.ModeSocket != 0
	case corev1.HostPathCharDev:
		return mode&os.ModeCharDevice != 0
	case corev1.HostPathBlockDev:
		return mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0
	default:
		return false
	}
}
