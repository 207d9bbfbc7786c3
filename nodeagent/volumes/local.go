package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
)

// emptyDir makes a directory that everybody may write to, or a file system in memory, and gives what is made in it to the group.
// It appears with owner and mode set or not at all: so one that is there is finished, and is left as the pod's containers have
// made it.
func emptyDir(d disk, path string, pod *corev1.Pod, volume *corev1.EmptyDirVolumeSource) error {
	group := fsGroup(pod)
	if volume.Medium == corev1.StorageMediumDefault {
		return openDir(d, path, group)
	}
	options := "mode=0777"
	if group != nil {
		options = fmt.Sprintf("mode=02777,gid=%d", *group)
	}
	if volume.SizeLimit != nil {
		options += fmt.Sprintf(",size=%d", volume.SizeLimit.Value())
	}
	if volume.Medium == corev1.StorageMediumMemory {
		return mountOnce(d, d.MountMemory, path, options)
	}
	if !strings.HasPrefix(string(volume.Medium), string(corev1.StorageMediumHugePages)) {
		return fmt.Errorf("the medium %q is not supported", volume.Medium)
	}
	size, err := hugepages.OfMedium(&pod.Spec, volume.Medium)
	if err != nil {
		return err
	}
	return mountOnce(d, d.MountHugePages, path, fmt.Sprintf("%s,pagesize=%d", options, size))
}

// openDir makes the directory under another name, which no volume can have, and gives it its own when it is finished.
func openDir(d disk, path string, group *int64) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	unfinished := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".unfinished")
	if err := d.MkdirAll(unfinished, 0o755); err != nil {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	mode := os.FileMode(0o777)
	if group != nil {
		if err := d.Chown(unfinished, -1, int(*group)); err != nil {
			return fmt.Errorf("giving the volume to its group: %w", err)
		}
		mode |= os.ModeSetgid
	}
	if err := d.Chmod(unfinished, mode); err != nil { // not left to the umask
		return fmt.Errorf("setting the mode of the volume's directory: %w", err)
	}
	if err := d.Rename(unfinished, path); err != nil {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	return nil
}

// mountOnce mounts memory unless there is some already. Owner and mode are options of the mount, and there from its first moment.
func mountOnce(d disk, mount func(path, options string) error, path, options string) error {
	if err := d.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	mounted, err := isMounted(path)
	if err != nil || mounted {
		return err
	}
	if err := mount(path, options); err != nil {
		return fmt.Errorf("mounting memory at %s: %w", path, err)
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
