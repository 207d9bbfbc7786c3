package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// csiMount is one volume on its way to one pod.
type csiMount struct {
	*Manager
	*csiVolume
	pod *corev1.Pod
	// dir is the pod's directory, and link the path by which it finds the volume.
	dir, link  string
	definition *storagev1.CSIDriver
	record     record
}

// mountCSI does what is left to do for a pod to have a volume of a CSI driver, and publishes it again where its driver wants that.
func (m *Manager) mountCSI(ctx context.Context, pod *corev1.Pod, dir, link string, v csiVolume) error {
	c := &m.options.CSI
	if c.Drivers == nil {
		return errNoCSI
	}
	definition, err := c.Definitions.CSIDriver(ctx, v.Driver)
	had := m.known.isPublished(dir, v.name)
	if err != nil && !had {
		return failed("MountVolume.SetUp", v.name, err)
	}
	mount := &csiMount{
		Manager: m, csiVolume: &v, pod: pod, dir: dir, link: link, definition: definition, record: c.recordOf(&v, v.attachable(definition)),
	}
	if !had || republished(definition) {
		if err := mount.provide(ctx); err != nil {
			return failed("MountVolume.SetUp", v.name, err)
		}
	}
	if err := mount.expand(ctx); err != nil {
		return failed("MountVolume.NodeExpandVolume", v.name, err)
	}
	return nil
}

var errNoCSI = errors.New("volumes of CSI drivers are not supported by this node")

// provide has the pod have the volume.
func (m *csiMount) provide(ctx context.Context) (err error) {
	if err := m.begin(); err != nil {
		return err
	}
	var publishContext map[string]string
	if m.attachable(m.definition) {
		if publishContext, err = m.options.CSI.Attachments.Await(ctx, m.Volume); err != nil {
			return failed("MountVolume.WaitForAttach", m.name, err)
		}
	}
	driver, err := m.options.CSI.Drivers.Await(ctx, m.Driver)
	if err != nil {
		return failed("MountVolume.MountDevice", m.name, fmt.Errorf("kubernetes.io/csi: %w", err))
	}
	if err := m.publishStaged(ctx, driver, publishContext); err != nil {
		return err
	}
	if err := m.finish(); err != nil {
		return err
	}
	m.known.setPublished(m.dir, m.name, true)
	return nil
}

// begin writes the record, if it is not there. From then on the volume is in use.
func (m *csiMount) begin() error {
	defer m.locks.lock(m.Volume)()
	if err := m.supported(m.definition); err != nil {
		return err
	}
	c := &m.options.CSI
	had, err := readRecord(m.dir, m.name)
	switch {
	case err != nil:
		return err
	case had != nil && had.volume() != m.Volume:
		return fmt.Errorf("the pod has another volume of the name %s: %s of driver %s", m.name, had.Handle, had.Driver)
	case had != nil:
		m.record = *had
		return nil
	}
	if m.exclusive() {
		taken, err := c.others(m.dir, m.Volume)
		if err != nil {
			return err
		}
		if taken {
			return errors.New("volume uses the ReadWriteOncePod access mode and is already in use by another pod")
		}
	}
	return m.record.write(m.disk, m.dir)
}

// publishStaged has the driver stage and publish the volume.
func (m *csiMount) publishStaged(ctx context.Context, driver *csi.Driver, publishContext map[string]string) error {
	defer m.locks.lock(m.Volume)()
	staging, err := m.stage(ctx, driver, publishContext)
	if err != nil {
		return failed("MountVolume.MountDevice", m.name, err)
	}
	return m.publish(ctx, driver, staging, publishContext)
}

// touch notes that the driver is going to be asked for something, which may have been done whatever it answers.
func (m *csiMount) touch() error {
	if m.record.Untouched == "" {
		return nil
	}
	touched := m.record
	touched.Untouched = ""
	if err := touched.write(m.disk, m.dir); err != nil {
		return err
	}
	m.record = touched
	return nil
}

// stage has the volume staged, where the driver does that, and returns where.
func (m *csiMount) stage(ctx context.Context, driver *csi.Driver, publishContext map[string]string) (path string, err error) {
	if m.inline {
		return "", nil
	}
	if stages, err := driver.Stages(ctx); err != nil || !stages {
		return "", err
	}
	path = m.options.CSI.stagingPath(&m.record)
	if m.known.isStaged(m.Volume) {
		return path, nil
	}
	request := csi.Stage{Handle: m.Handle, StagingPath: path, PublishContext: publishContext, Attributes: m.attributes}
	if request.Secrets, err = m.secretOf(ctx, "NodeStageSecretRef", m.stageSecret); err != nil {
		return "", err
	}
	if request.Use, err = m.usedBy(ctx, driver); err != nil {
		return "", err
	}
	if err := m.touch(); err != nil {
		return "", err
	}
	if err := m.disk.MkdirAll(path, 0o750); err != nil {
		return "", fmt.Errorf("making the staging directory: %w", err)
	}
	if err := driver.Stage(ctx, request); err != nil {
		return "", err
	}
	m.known.setStaged(m.Volume, true)
	return path, nil
}

// publish has the volume published to the pod.
func (m *csiMount) publish(ctx context.Context, driver *csi.Driver, staging string, publishContext map[string]string) (err error) {
	target := m.options.CSI.targetPath(m.dir, &m.record)
	request := csi.Publish{TargetPath: target, ReadOnly: m.readOnly}
	request.Handle, request.StagingPath, request.PublishContext = m.Handle, staging, publishContext
	if request.Use, err = m.usedBy(ctx, driver); err != nil {
		return err
	}
	if request.Attributes, request.Secrets, err = m.told(ctx); err != nil {
		return err
	}
	if err := m.touch(); err != nil {
		return err
	}
	if err := m.disk.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return fmt.Errorf("making the directory that the volume is published in: %w", err)
	}
	if err := driver.Publish(ctx, request); err != nil {
		return err
	}
	mounts, err := driver.MountsForGroups(ctx)
	if err != nil || mounts || !m.owned(fsGroup(m.pod), m.definition) {
		return err
	}
	if err := giveToGroup(m.disk, target, int(*fsGroup(m.pod)), changePolicy(m.pod)); err != nil {
		return fmt.Errorf("applyFSGroup failed for vol %s: %w", m.Handle, err)
	}
	return nil
}

// usedBy is how the volume is used, with the pod's group where the driver mounts for groups.
func (m *csiMount) usedBy(ctx context.Context, driver *csi.Driver) (csi.Use, error) {
	use := m.use
	mounts, err := driver.MountsForGroups(ctx)
	if mounts && !use.Block {
		use.Group = fsGroup(m.pod)
	}
	return use, err
}

// finish makes the link by which the pod finds the volume.
func (m *csiMount) finish() error {
	target := m.options.CSI.targetPath(m.dir, &m.record)
	switch to, err := os.Readlink(m.link); {
	case err == nil && to == target:
		return nil
	case err == nil:
		return fmt.Errorf("%s links to %s, and not to %s", m.link, to, target)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := m.disk.MkdirAll(filepath.Dir(m.link), 0o755); err != nil {
		return fmt.Errorf("making the directory of volumes: %w", err)
	}
	if err := m.disk.Symlink(target, m.link); err != nil {
		return fmt.Errorf("linking to the volume: %w", err)
	}
	return nil
}
