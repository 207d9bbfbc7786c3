package quota

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// mounted is a file system with project quotas, made for the test.
func mounted(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a file system needs root")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	for _, command := range [][]string{
		{"truncate", "-s", "64M", image},
		{"mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", image},
		{"mkdir", at},
		{"mount", "-o", "loop,prjquota", image, at},
	} {
		if said, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("this machine makes no file system with project quotas: %v: %s", command, said)
		}
	}
	t.Cleanup(func() {
		if said, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %s", said)
		}
	})
	return at
}

// asAContainer takes from this test the capability to exceed limits. Its thread ends with it.
func asAContainer(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	sets[0].Effective &^= 1 << unix.CAP_SYS_RESOURCE
	if err := unix.Capset(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
}

func TestAProjectIsHeldToItsLimit(t *testing.T) {
	dir := mounted(t)
	q, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	volume := filepath.Join(dir, "volume")
	if err := os.Mkdir(volume, 0o755); err != nil {
		t.Fatal(err)
	}
	project, err := q.Free(7)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 4 << 20
	if err := errors.Join(q.Assign(volume, project), q.Limit(project, limit)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(volume, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(volume, "below", "file")
	asAContainer(t)
	if err := os.WriteFile(file, make([]byte, limit/2), 0o644); err != nil {
		t.Errorf("writing half of the limit: %v", err)
	}
	usage, err := q.Usage(project)
	if err != nil || usage.Limit != limit || usage.Bytes < limit/2 || usage.Inodes != 3 {
		t.Errorf("the project has %+v (%v)", usage, err)
	}
	if err := os.WriteFile(file+"2", make([]byte, limit), 0o644); !errors.Is(err, unix.EDQUOT) {
		t.Errorf("writing more than the limit: %v, want that the quota is exceeded", err)
	}
	if other, err := q.Free(7); err != nil || other == project {
		t.Errorf("project %d is free (%v), and %d is in use", other, err, project)
	}
	if err := q.Limit(project, 4*limit); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"2", make([]byte, limit), 0o644); err != nil {
		t.Errorf("writing below a larger limit: %v", err)
	}
}

func TestADirectoryOfAProjectCanBeMovedElsewhere(t *testing.T) {
	dir := mounted(t)
	q, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(dir, "aside", "volume")
	if err := os.MkdirAll(from, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := q.Assign(from, firstProject); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, filepath.Join(dir, "volume")); err != nil {
		t.Errorf("moving it: %v", err)
	}
}
