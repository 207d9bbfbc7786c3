package tree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// write makes a file below dir.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func copied(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := Copy(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestACopyHasContentModesAndTimes(t *testing.T) {
	from := t.TempDir()
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	path := write(t, from, "a/b/file", "hello")
	if err := errors.Join(os.Chmod(path, 0o711|os.ModeSetuid), os.Chtimes(path, long, long), os.Chmod(filepath.Join(from, "a/b"), 0o500)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(from, "a/b"), 0o700) })
	to := copied(t, from)
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(to, "a/b"), 0o700) })
	content, err := os.ReadFile(filepath.Join(to, "a/b/file"))
	if err != nil && os.Geteuid() == 0 || err == nil && string(content) != "hello" {
		t.Errorf("the copy holds %q (%v)", content, err)
	}
	info, err := os.Lstat(filepath.Join(to, "a/b/file"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o711|os.ModeSetuid || !info.ModTime().Equal(long) {
		t.Errorf("the copy is %s of %s", info.Mode(), info.ModTime())
	}
	if dir, err := os.Lstat(filepath.Join(to, "a/b")); err != nil || dir.Mode().Perm() != 0o500 {
		t.Errorf("the directory's copy is %v (%v)", dir.Mode(), err)
	}
}

func TestSymbolicLinksAreCopiedAndNotFollowed(t *testing.T) {
	outside := write(t, t.TempDir(), "secret", "secret")
	from := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	to := copied(t, from)
	if target, err := os.Readlink(filepath.Join(to, "link")); err != nil || target != outside {
		t.Errorf("the copy is a link to %q (%v), want %q", target, err, outside)
	}
}

// TestADirectoryThatBecameALinkLeadsNowhere does what a pod may do between two looks of ours.
func TestADirectoryThatBecameALinkLeadsNowhere(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, "secret", "secret")
	from, to := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(from, "dir")); err != nil {
		t.Fatal(err)
	}
	source, err := os.OpenRoot(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := os.OpenRoot(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close(); _ = target.Close() })
	c := &copying{from: source, to: target, linked: map[inode]string{}}
	if err := c.directory(t.Context(), "dir"); err == nil {
		t.Error("a directory outside was copied")
	}
	if err := c.file("dir/secret"); err == nil {
		t.Error("a file outside was copied")
	}
}

func TestAFileWithTwoNamesStaysOne(t *testing.T) {
	from := t.TempDir()
	if err := os.Link(write(t, from, "one", "x"), filepath.Join(from, "two")); err != nil {
		t.Fatal(err)
	}
	to := copied(t, from)
	one, err := os.Lstat(filepath.Join(to, "one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.Lstat(filepath.Join(to, "two"))
	if err != nil || !os.SameFile(one, two) {
		t.Errorf("the names are of two files (%v)", err)
	}
}

func TestPipesAreLeftOutAndWaitedForByNobody(t *testing.T) {
	from := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(from, "pipe"), 0o600); err != nil {
		t.Skip("this file system has no pipes: ", err)
	}
	to := copied(t, from)
	if _, err := os.Lstat(filepath.Join(to, "pipe")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking for the pipe: %v", err)
	}
}

func TestHolesStayHoles(t *testing.T) {
	from := t.TempDir()
	path := write(t, from, "sparse", "")
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	_, err = file.WriteAt([]byte("middle"), size/2)
	if err := errors.Join(err, file.Truncate(size), file.Close()); err != nil {
		t.Fatal(err)
	}
	to := copied(t, from)
	content, err := os.ReadFile(filepath.Join(to, "sparse"))
	if err != nil || len(content) != size || string(content[size/2:size/2+6]) != "middle" {
		t.Fatalf("the copy has %d bytes (%v)", len(content), err)
	}
	if used, err := Measure(to); err != nil || used.Bytes > size/2 {
		t.Errorf("the copy takes %d bytes (%v)", used.Bytes, err)
	}
}

func TestAnEndStopsACopy(t *testing.T) {
	from := t.TempDir()
	write(t, from, "file", "x")
	ended, end := context.WithCancel(t.Context())
	end()
	if err := Copy(ended, from, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("Copy = %v, want that it was cancelled", err)
	}
}

func TestWhatHasTwoNamesCountsOnce(t *testing.T) {
	dir := t.TempDir()
	one := write(t, dir, "one", string(make([]byte, 1<<20)))
	before, err := Measure(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(one, filepath.Join(dir, "two")); err != nil {
		t.Fatal(err)
	}
	if after, err := Measure(dir); err != nil || after != before || after.Inodes != 2 || after.Bytes < 1<<20 {
		t.Errorf("the directory takes %+v (%v), and %+v before", after, err, before)
	}
}
