package volumes

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// changePolicy is fsGroupChangePolicy; Always if nothing is said.
func changePolicy(pod *corev1.Pod) corev1.PodFSGroupChangePolicy {
	if s := pod.Spec.SecurityContext; s != nil && s.FSGroupChangePolicy != nil {
		return *s.FSGroupChangePolicy
	}
	return corev1.FSGroupChangeAlways
}

// giveToGroup lets a group read and write all that is in a directory, and what is made there later. Links are given, not what they
// point to. The root is last: with OnRootMismatch a root that is given means that all is.
func giveToGroup(d disk, root string, group int, policy corev1.PodFSGroupChangePolicy) error {
	info, err := os.Stat(root)
	if err != nil {
		return err
	}
	if policy == corev1.FSGroupChangeOnRootMismatch && given(info, group) {
		return nil
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return give(d, path, info, group)
	})
	if err != nil {
		return err
	}
	return give(d, root, info, group)
}

func give(d disk, path string, info fs.FileInfo, group int) error {
	if err := d.Lchown(path, -1, group); err != nil {
		return fmt.Errorf("setting the group: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	if err := d.Chmod(path, info.Mode()|shared(info)); err != nil {
		return fmt.Errorf("setting the mode: %w", err)
	}
	return nil
}

// shared are the bits by which a group can use what is there, as the kubelet sets them.
func shared(info fs.FileInfo) fs.FileMode {
	if info.IsDir() {
		return 0o770 | fs.ModeSetgid
	}
	return 0o660
}

// given says whether a directory is the group's already.
func given(info fs.FileInfo, group int) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Gid) == group && info.Mode()|shared(info) == info.Mode()
}
