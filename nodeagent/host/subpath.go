package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// subPath resolves a path inside a volume without ever leaving it, and makes it if it is not there. What a symbolic link in
// the volume points to is looked up here, so a container that changes the link afterwards gains nothing.
func (h *Host) subPath(volume, sub string) (string, error) {
	if !filepath.IsLocal(sub) {
		return "", fmt.Errorf("%q is not below the volume", sub)
	}
	real, err := filepath.EvalSymlinks(volume)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }() // nothing is under way in it
	if err := makeSubPath(root, path.Clean(sub)); err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(filepath.Join(real, sub))
	if err != nil {
		return "", err
	}
	if inside, err := filepath.Rel(real, resolved); err != nil || !filepath.IsLocal(inside) {
		return "", fmt.Errorf("%q leads out of the volume", sub)
	}
	return resolved, nil
}

// opener opens regular files of the pod's volumes, and never one outside of them; nil for a simulated pod, which has none.
func (h *Host) opener(pod *corev1.Pod) func(volume, path string) (io.ReadCloser, error) {
	if h.RootDir == "" {
		return nil
	}
	return func(name, path string) (io.ReadCloser, error) {
		volume := volumeOf(pod, name)
		if volume == nil {
			return nil, fmt.Errorf("cannot find the volume %q referenced by FileKeyRef", name)
		}
		root, err := os.OpenRoot(h.VolumePath(pod, volume))
		if err != nil {
			return nil, err
		}
		defer func() { _ = root.Close() }()                                 // what was opened in it stays open
		file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for somebody to write
		if err != nil {
			return nil, err
		}
		info, err := file.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is no regular file")
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}
}

// makeSubPath makes what is not there of a path. As the kubelet does, it gives new directories the mode of the volume, so that who
// may write to the one may write to the others.
func makeSubPath(volume *os.Root, sub string) error {
	if _, err := volume.Stat(sub); !os.IsNotExist(err) {
		return err
	}
	parent, name := path.Split(sub)
	if parent = path.Clean(parent); parent != "." {
		if err := makeSubPath(volume, parent); err != nil {
			return err
		}
	}
	info, err := volume.Stat(".")
	if err != nil {
		return err
	}
	// A directory gets its name when it has its mode: one that has a name is taken for finished.
	unfinished := path.Join(parent, "."+name+".unfinished")
	if err := volume.Mkdir(unfinished, info.Mode().Perm()); err != nil && !os.IsExist(err) {
		return err
	}
	if err := volume.Chmod(unfinished, info.Mode()&(os.ModePerm|os.ModeSetgid)); err != nil {
		return err
	}
	return volume.Rename(unfinished, sub)
}
