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

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// unmountCSI takes all volumes of CSI drivers from a pod, whose directory this is. The last pod of a volume has it unstaged.
func (m *Manager) unmountCSI(ctx context.Context, dir string) error {
	records, err := recordsIn(dir)
	if err != nil {
		return err
	}
	var errs []error
	for i := range records {
		if err := m.takeBack(ctx, dir, &records[i]); err != nil {
			errs = append(errs, failed("UnmountVolume.TearDown", records[i].Name, err))
		}
	}
	return errors.Join(errs...)
}

// takeBack undoes all that was done for a pod to have a volume. The record goes last: so whatever was not undone is known.
func (m *Manager) takeBack(ctx context.Context, dir string, r *record) error {
	defer m.locks.lock(r.volume())()
	m.known.setPublished(dir, r.Name, false)
	if r.Untouched == "" {
		if err := m.unpublish(ctx, dir, r); err != nil {
			return err
		}
	}
	if !r.inline() {
		if err := m.unstageLast(ctx, dir, r); err != nil {
			return err
		}
	}
	return r.remove(m.disk, dir)
}

func (c *CSI) driver(name string) (*csi.Driver, error) {
	if c.Drivers == nil {
		return nil, errNoCSI
	}
	driver, err := c.Drivers.Driver(name)
	if err != nil {
		return nil, fmt.Errorf("kubernetes.io/csi: %w", err)
	}
	return driver, nil
}

// unpublish has the driver take the volume from the pod. Nothing may be left of it: what is there still might be people's data.
func (m *Manager) unpublish(ctx context.Context, dir string, r *record) error {
	driver, err := m.options.CSI.driver(r.Driver)
	if err != nil {
		return err
	}
	target := m.options.CSI.targetPath(dir, r)
	if err := driver.Unpublish(ctx, r.Handle, target); err != nil {
		return err
	}
	if err := m.removeEmpty(target); err != nil {
		return fmt.Errorf("removing what was published after NodeUnpublishVolume: %w", err)
	}
	if r.block() {
		return m.removeUnused(filepath.Dir(target))
	}
	return nil
}

// unstageLast has the driver unstage the volume, if no other pod has it. A pod that never got it may be the last one too, when those that
// had it left the stage to it.
func (m *Manager) unstageLast(ctx context.Context, dir string, r *record) error {
	if others, err := m.options.CSI.others(dir, r.volume()); err != nil || others {
		return err
	}
	staging := m.options.CSI.stagingPath(r)
	if _, err := os.Lstat(staging); errors.Is(err, fs.ErrNotExist) && r.Untouched == yes {
		return nil
	}
	driver, err := m.options.CSI.driver(r.Driver)
	if err != nil {
		return err
	}
	if stages, err := driver.Stages(ctx); err != nil || !stages {
		return err
	}
	m.known.setStaged(r.volume(), false) // whatever comes of it
	if err := driver.Unstage(ctx, r.Handle, staging); err != nil {
		return err
	}
	if err := m.removeEmpty(staging); err != nil {
		return fmt.Errorf("removing the staging directory after NodeUnstageVolume: %w", err)
	}
	if r.block() {
		return nil
	}
	return m.removeUnused(filepath.Dir(staging))
}

// removeEmpty removes a file, or a directory, that nothing is mounted on and that has nothing in it. Some drivers leave that.
func (m *Manager) removeEmpty(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return fmt.Errorf("%s has something in it", path)
	}
	if err == nil && info.Mode().Type() != fs.ModeSymlink {
		mounted, err := isMounted(path)
		if err != nil {
			return err
		}
		if mounted {
			return fmt.Errorf("%s is mounted still", path)
		}
	}
	if err := m.disk.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeUnused removes a directory unless others have something in it.
func (m *Manager) removeUnused(dir string) error {
	if inside, err := os.ReadDir(dir); err != nil || len(inside) > 0 {
		return nil //nolint:nilerr // it is gone, or goes another time
	}
	if err := m.disk.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the directory of a volume: %w", err)
	}
	return nil
}

// VolumesInUse are the names of the attached volumes that pods have, or are about to, sorted.
func (m *Manager) VolumesInUse() ([]corev1.UniqueVolumeName, error) {
	all, err := m.options.CSI.records()
	if err != nil {
		return nil, err
	}
	var names []corev1.UniqueVolumeName
	for _, records := range all {
		for i := range records {
			if records[i].InUse == yes {
				names = append(names, records[i].volume().UniqueName())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
