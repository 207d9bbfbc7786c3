//go:build linux

package local

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
)

// published mounts a volume for the test.
func published(t *testing.T, d *Driver, r *csi.NodePublishVolumeRequest) error {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("volumes are mounted, which needs root")
	}
	if r.VolumeCapability == nil {
		r.VolumeCapability = writer
	}
	t.Cleanup(func() {
		if err := unmount(r.GetTargetPath()); err != nil {
			t.Error(err)
		}
	})
	_, err := d.NodePublishVolume(t.Context(), r)
	return err
}

func TestDataStaysWhereverTheVolumeIsMounted(t *testing.T) {
	dir := t.TempDir()
	d := newDriver(t, dir)
	v := made(t, d, "pvc-1")
	first, second := filepath.Join(t.TempDir(), "a", "mount"), filepath.Join(t.TempDir(), "mount")
	if err := published(t, d, &csi.NodePublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: first}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(first, "file"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	d = newDriver(t, dir)
	if _, err := d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: v.GetVolumeId()}); code(err) != codes.FailedPrecondition {
		t.Errorf("deleting it while it is mounted: %v", err)
	}
	for range 2 {
		if _, err := d.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: first}); err != nil {
			t.Fatal(err)
		}
	}
	if err := published(t, d, &csi.NodePublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: second, Readonly: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(second, "file")); err != nil || string(got) != "x" {
		t.Errorf("it holds %q (%v)", got, err)
	}
	if err := os.WriteFile(filepath.Join(second, "file"), nil, 0o644); err == nil {
		t.Error("a volume that is mounted to be read was written to")
	}
	if _, err := d.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: second}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left (%v)", err)
	}
	if _, err := d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: v.GetVolumeId()}); err != nil {
		t.Error(err)
	}
}

// TestAMountThatACrashLeftHalfDoneIsFinished has a process end between mounting and setting the flags.
func TestAMountThatACrashLeftHalfDoneIsFinished(t *testing.T) {
	d := newDriver(t, t.TempDir())
	v := made(t, d, "pvc-1")
	target := t.TempDir()
	if os.Geteuid() == 0 {
		if err := mountAt(d.store.Data(v.GetVolumeId()), target); err != nil {
			t.Fatal(err)
		}
	}
	if err := published(t, d, &csi.NodePublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: target, Readonly: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target, "file"), nil, 0o644); err == nil {
		t.Error("it can be written to")
	}
	if at, err := targetsOf(d.store.Data(v.GetVolumeId())); err != nil || len(at) != 1 {
		t.Errorf("it is mounted at %v (%v)", at, err)
	}
}

func TestAVolumeGrowsWhileItIsMounted(t *testing.T) {
	d := newDriver(t, t.TempDir())
	v := made(t, d, "pvc-1")
	target := filepath.Join(t.TempDir(), "mount")
	if err := published(t, d, &csi.NodePublishVolumeRequest{VolumeId: v.GetVolumeId(), TargetPath: target}); err != nil {
		t.Fatal(err)
	}
	grown, err := d.ControllerExpandVolume(t.Context(), &csi.ControllerExpandVolumeRequest{
		VolumeId: v.GetVolumeId(), CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 22},
	})
	if err != nil || grown.GetCapacityBytes() != 1<<22 || grown.GetNodeExpansionRequired() {
		t.Fatalf("it has become %v (%v)", grown, err)
	}
	told, err := d.NodeGetVolumeStats(t.Context(), &csi.NodeGetVolumeStatsRequest{VolumeId: v.GetVolumeId(), VolumePath: target})
	if err != nil || told.GetUsage()[0].GetTotal() != 1<<22 {
		t.Errorf("the node tells %v (%v)", told, err)
	}
}

func TestAMountIsKnownByDeviceAndPath(t *testing.T) {
	mounts := []mount{
		{"8:1", "/", "/"}, {"8:2", "/", "/data"}, {"8:2", "/orrery/node", "/data/orrery/node"},
		{"8:2", "/orrery/node/v/data", "/pods/a"}, {"8:1", "/orrery/node/v/data", "/pods/b"},
	}
	own, path := ownOf(mounts, "/data/orrery/node/v/data")
	if own.device != "8:2" || path != "/orrery/node/v/data" {
		t.Errorf("it is %s of %s", path, own.device)
	}
	if own, path := ownOf(mounts, "/v"); own.device != "8:1" || path != "/v" {
		t.Errorf("it is %s of %s", path, own.device)
	}
}
