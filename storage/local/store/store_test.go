package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *Store, w Wanted) Volume {
	t.Helper()
	v, err := s.Create(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func put(t *testing.T, s *Store, id, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Data(id), "file"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, s *Store, id, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(s.Data(id), "file"))
	if err != nil || string(got) != want {
		t.Errorf("volume %s holds %q (%v), want %q", id, got, err, want)
	}
}

// left is what there is in one of the store's directories.
func left(t *testing.T, s *Store, dir string) []string {
	t.Helper()
	ids, err := s.list(dir)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestTheSameNameIsTheSameVolume(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first := create(t, s, Wanted{Name: "pvc-1", Capacity: 1 << 20})
	put(t, s, first.ID, "x")
	s = open(t, dir)
	if again := create(t, s, Wanted{Name: "pvc-1", Capacity: 1 << 10, Limit: 1 << 20}); again != first {
		t.Errorf("it is %+v, and was %+v", again, first)
	}
	holds(t, s, first.ID, "x")
	for what, other := range map[string]Wanted{
		"a larger one":            {Name: "pvc-1", Capacity: 1 << 21},
		"a smaller one":           {Name: "pvc-1", Limit: 1 << 10},
		"one with another source": {Name: "pvc-1", Capacity: 1 << 20, Source: Source{Volume: "other"}},
	} {
		if _, err := s.Create(t.Context(), other); !errors.Is(err, ErrExists) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestIDsAreNoPaths(t *testing.T) {
	s := open(t, t.TempDir())
	for _, name := range []string{"..", "../x", "a/b", "", ".hidden", "UPPER", strings.Repeat("x", 128)} {
		if id := ID(name); !isID(id) {
			t.Errorf("%q has the ID %q", name, id)
		}
		if _, err := s.Volume(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("volume %q: %v", name, err)
		}
		if err := s.Delete(name); err != nil {
			t.Errorf("deleting %q: %v", name, err)
		}
	}
	if ID("a/b") == ID("a/c") || ID("pvc-1") != "pvc-1" {
		t.Error("names share an ID, or a plain one is not its own")
	}
}

func TestAVolumeIsWipedWhenItIsDeleted(t *testing.T) {
	s := open(t, t.TempDir())
	v := create(t, s, Wanted{Name: "pvc-1", Capacity: 1})
	put(t, s, v.ID, "secret")
	for range 2 { // again is no error
		if err := s.Delete(v.ID); err != nil {
			t.Fatal(err)
		}
	}
	if gone := left(t, s, goneDir); len(gone) > 0 {
		t.Errorf("%v is not wiped", gone)
	}
	fresh := create(t, s, Wanted{Name: "pvc-1", Capacity: 1})
	if files, err := os.ReadDir(s.Data(fresh.ID)); err != nil || len(files) > 0 {
		t.Errorf("a new volume of the name holds %v (%v)", files, err)
	}
}

// TestWhatACrashLeavesIsWipedOrDoneAnew has the process end at the moments that there are.
func TestWhatACrashLeavesIsWipedOrDoneAnew(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	whole := create(t, s, Wanted{Name: "whole", Capacity: 1})
	put(t, s, whole.ID, "x")
	for _, path := range []string{"aside/half-1/data/file", "gone/deleted-1/it/data/file"} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("secret"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.volumePath(whole.ID), volumeFile+".new"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	if aside, gone := left(t, s, asideDir), left(t, s, goneDir); len(aside)+len(gone) > 0 {
		t.Errorf("%v and %v are left", aside, gone)
	}
	if all, err := s.Volumes(); err != nil || len(all) != 1 || all[0] != whole {
		t.Errorf("the volumes are %v (%v)", all, err)
	}
	holds(t, s, whole.ID, "x")
}

func TestClonesAndSnapshotsAreCopies(t *testing.T) {
	s := open(t, t.TempDir())
	v := create(t, s, Wanted{Name: "pvc-1", Capacity: 1 << 20})
	put(t, s, v.ID, "then")
	snapshot, err := s.Take(t.Context(), "snap", v.ID)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, v.ID, "now")
	if again, err := s.Take(t.Context(), "snap", v.ID); err != nil || again != snapshot {
		t.Errorf("it is %+v (%v), and was %+v", again, err, snapshot)
	}
	clone := create(t, s, Wanted{Name: "clone", Capacity: 1 << 21, Source: Source{Volume: v.ID}})
	restored := create(t, s, Wanted{Name: "restored", Source: Source{Snapshot: snapshot.ID}})
	if err := errors.Join(s.Delete(v.ID), s.Drop(snapshot.ID), s.Drop(snapshot.ID)); err != nil {
		t.Fatal(err)
	}
	holds(t, s, clone.ID, "now")
	holds(t, s, restored.ID, "then")
	if clone.Capacity != 1<<21 || restored.Capacity != 1<<20 {
		t.Errorf("the capacities are %d and %d", clone.Capacity, restored.Capacity)
	}
	if _, err := s.Create(t.Context(), Wanted{Name: "late", Source: Source{Snapshot: snapshot.ID}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a volume of a snapshot that is gone: %v", err)
	}
}

func TestSpaceIsPromisedOnce(t *testing.T) {
	s := open(t, t.TempDir())
	free, err := s.Free()
	if err != nil {
		t.Fatal(err)
	}
	most := create(t, s, Wanted{Name: "most", Capacity: free - free/4})
	for what, w := range map[string]Wanted{"more than is left": {Name: "more", Capacity: free / 2}, "more than there is": {Name: "all", Capacity: 2 * free}} {
		if _, err := s.Create(t.Context(), w); !errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Grow(most.ID, 2*free); !errors.Is(err, ErrFull) {
		t.Errorf("growing beyond what there is: %v", err)
	}
	if err := s.Delete(most.ID); err != nil {
		t.Fatal(err)
	}
	create(t, s, Wanted{Name: "more", Capacity: free / 2})
}

func TestAVolumeGrowsAndNeverShrinks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	v := create(t, s, Wanted{Name: "pvc-1", Capacity: 1 << 20})
	for _, size := range []int64{1 << 21, 1 << 20} {
		if _, err := s.Grow(v.ID, size); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := open(t, dir).Volume(v.ID); err != nil || v.Capacity != 1<<21 {
		t.Errorf("it has %d bytes (%v)", v.Capacity, err)
	}
	if _, err := s.Grow("none", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("growing what is not there: %v", err)
	}
}
