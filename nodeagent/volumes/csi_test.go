package volumes

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// definitions answers with one CSIDriver, or none.
type definitions struct{ driver *storagev1.CSIDriver }

func (d *definitions) CSIDriver(context.Context, string) (*storagev1.CSIDriver, error) {
	return d.driver, nil
}

// attachments answers every question with what attaching has told, and counts.
type attachments struct {
	metadata map[string]string
	err      error
	asked    int
}

func (a *attachments) Await(context.Context, csi.Volume) (map[string]string, error) {
	a.asked++
	return a.metadata, a.err
}

// csiNode is a node with a strict driver.
type csiNode struct {
	root       string
	driver     *strictDriver
	drivers    *csi.Drivers
	definition definitions
	attached   attachments
	claims     bound
	source     source
	tokens     Tokens
	clock      *testingclock.FakeClock
}

// newCSINode has a driver that stages, and needs no attaching.
func newCSINode(t *testing.T, capabilities ...csipb.NodeServiceCapability_RPC_Type) *csiNode {
	t.Helper()
	n := &csiNode{root: t.TempDir(), driver: &strictDriver{capabilities: capabilities}, clock: testingclock.NewFakeClock(now)}
	n.drivers = n.driver.serve(t)
	n.definition.driver = &storagev1.CSIDriver{Spec: storagev1.CSIDriverSpec{
		AttachRequired: ptr.To(false), VolumeLifecycleModes: []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecyclePersistent, storagev1.VolumeLifecycleEphemeral},
	}}
	n.claims.volume = persistent(corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: driverName, VolumeHandle: "h"}})
	return n
}

const staging = csipb.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME

// start is what an agent has after it was started.
func (n *csiNode) start() *Manager {
	return New(Options{Source: n.source, Tokens: n.tokens, Claims: &n.claims, Clock: n.clock, CSI: CSI{
		Root: n.root, Node: "n", Drivers: n.drivers, Definitions: &n.definition, Attachments: &n.attached,
	}})
}

// pod is one with the claim, and where it is.
func (n *csiNode) pod(uid string) (pod *corev1.Pod, dir string) {
	pod = claiming()
	pod.Namespace, pod.Name, pod.UID = "default", "pod-"+uid, types.UID(uid)
	return pod, filepath.Join(n.root, "pods", uid)
}

// left are all files and directories below the root, but for those that stay.
func (n *csiNode) left(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(n.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (!entry.IsDir() || entry.Name() == mountDir || entry.Name() == "globalmount") {
			found = append(found, strings.TrimPrefix(path, n.root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheFirstPodStagesAVolumeAndTheLastUnstagesIt(t *testing.T) {
	n := newCSINode(t, staging)
	m := n.start()
	one, dirOne := n.pod("one")
	two, dirTwo := n.pod("two")
	for _, step := range []struct {
		what string
		do   func() error
		want []string
	}{
		{"the first pod comes", func() error { return m.Mount(t.Context(), one, dirOne) }, []string{"stage", "publish"}},
		{"it is looked at again", func() error { return m.Mount(t.Context(), one, dirOne) }, nil},
		{"the second comes", func() error { return m.Mount(t.Context(), two, dirTwo) }, []string{"publish"}},
		{"the first goes", func() error { return m.Unmount(t.Context(), dirOne) }, []string{"unpublish"}},
		{"the second goes", func() error { return m.Unmount(t.Context(), dirTwo) }, []string{"unpublish", "unstage"}},
		{"it is looked at again", func() error { return m.Unmount(t.Context(), dirTwo) }, nil},
		{"one comes back", func() error { return m.Mount(t.Context(), one, dirOne) }, []string{"stage", "publish"}},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if got := n.driver.took(); !slices.Equal(got, step.want) {
			t.Errorf("when %s the driver hears %q, want %q", step.what, got, step.want)
		}
	}
	if want := filepath.Join(dirOne, "volumes/kubernetes.io~csi/disk/mount"); m.Path(one, dirOne, &one.Spec.Volumes[0]) != want {
		t.Errorf("the pod finds it at %s, want %s", m.Path(one, dirOne, &one.Spec.Volumes[0]), want)
	}
	if err := m.Unmount(t.Context(), dirOne); err != nil {
		t.Fatal(err)
	}
	// The link is the host's to remove, with the pod's directory.
	if left := n.left(t); !slices.Equal(left, []string{"/pods/one/volumes/persistent-claim/data", "/pods/two/volumes/persistent-claim/data"}) {
		t.Errorf("there is left: %q", left)
	}
}

func (n *csiNode) mount(ctx context.Context, m *Manager, uid string) error {
	pod, dir := n.pod(uid)
	return m.Mount(ctx, pod, dir)
}

func (n *csiNode) unmount(ctx context.Context, m *Manager, uid string) error {
	_, dir := n.pod(uid)
	return m.Unmount(ctx, dir)
}

// mountUnharmed is done by an agent that does not die.
func (n *csiNode) mountUnharmed(ctx context.Context, uid string) error {
	fault := n.driver.fault
	n.driver.fault = nil
	defer func() { n.driver.fault = fault }()
	return n.mount(ctx, n.start(), uid)
}

func TestAPodWithoutItsDriverGoesAtOnce(t *testing.T) {
	n := newCSINode(t, staging)
	n.claims.volume.Spec.CSI.Driver = "absent.example.com"
	m := n.start()
	want := `MountVolume.MountDevice failed for volume "disk" : kubernetes.io/csi: driver name absent.example.com not found in the list of registered CSI drivers`
	if err := n.mount(t.Context(), m, "one"); err == nil || err.Error() != want {
		t.Errorf("the mount ends with %v, want %s", err, want)
	}
	if err := n.unmount(t.Context(), m, "one"); err != nil {
		t.Error(err)
	}
}

func TestAVolumeThatIsNotTakenBackKeepsItsPod(t *testing.T) {
	n := newCSINode(t, staging)
	m := n.start()
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	n.driver.fault = func() error { return errors.New("hung") }
	want := `UnmountVolume.TearDown failed for volume "disk" : rpc error: code = Unavailable desc = hung`
	if err := n.unmount(t.Context(), m, "one"); err == nil || err.Error() != want {
		t.Errorf("the unmount ends with %v, want %s", err, want)
	}
	n.driver.fault = nil
	_, dir := n.pod("one")
	data := filepath.Join(dir, ofPod, "disk", mountDir, "data")
	n.driver.mu.Lock()
	n.driver.published = map[string]string{}
	n.driver.mu.Unlock()
	if err := os.WriteFile(data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.unmount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	if got := n.driver.has(); got != "0 staged, 0 published, wrong: []" {
		t.Errorf("the driver has %s", got)
	}
}

func TestOnlyOnePodHasAReadWriteOncePodVolume(t *testing.T) {
	n := newCSINode(t, staging, csipb.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER)
	n.claims.volume.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	m := n.start()
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	if request := last[*csipb.NodePublishVolumeRequest](t, n.driver); !strings.Contains(request, "SINGLE_NODE_SINGLE_WRITER") {
		t.Errorf("it is published by %s", request)
	}
	want := `MountVolume.SetUp failed for volume "disk" : volume uses the ReadWriteOncePod access mode and is already in use by another pod`
	if err := n.mount(t.Context(), m, "two"); err == nil || err.Error() != want {
		t.Errorf("the mount for another pod ends with %v, want %s", err, want)
	}
	if err := errors.Join(n.unmount(t.Context(), m, "one"), n.mount(t.Context(), m, "two")); err != nil {
		t.Error(err)
	}
}

func TestAPodKeepsItsVolumeWhenNothingCanBeAsked(t *testing.T) {
	n := newCSINode(t)
	m := n.start()
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	n.claims.err = errors.New("the server is away")
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Error(err)
	}
	if err := n.mount(t.Context(), n.start(), "one"); err == nil {
		t.Error("an agent that was started anew takes the volume for mounted")
	}
}

func TestAStageThatWasLeftToAPodWhichNeverCameIsUndone(t *testing.T) {
	n := newCSINode(t, staging)
	n.definition.driver.Spec.AttachRequired = nil
	m := n.start()
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	n.attached.err = errors.New("not attached")
	if err := n.mount(t.Context(), m, "two"); err == nil {
		t.Fatal("the second pod has the volume")
	}
	if err := errors.Join(n.unmount(t.Context(), m, "one"), n.unmount(t.Context(), m, "two")); err != nil {
		t.Fatal(err)
	}
	if got := n.driver.has(); got != "0 staged, 0 published, wrong: []" {
		t.Errorf("the driver has %s", got)
	}
}

func TestNothingThatADriverLeftIsRemovedUnlessItIsEmpty(t *testing.T) {
	dir := t.TempDir()
	m := New(Options{})
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	full, inside, empty := file("full", []byte("data")), file("dir/file", nil), file("empty", nil)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(full, link); err != nil {
		t.Fatal(err)
	}
	for path, removed := range map[string]bool{full: false, filepath.Dir(inside): false, empty: true, link: true, filepath.Join(dir, "none"): true} {
		if err := m.removeEmpty(path); (err == nil) != removed {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	for _, path := range []string{full, inside} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s is gone: %v", filepath.Base(path), err)
		}
	}
}
