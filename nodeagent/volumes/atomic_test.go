package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tree lists the files that a reader of a volume sees, with mode and content.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		real, err := filepath.EvalSymlinks(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(real, func(path string, file os.DirEntry, err error) error {
			if err != nil || file.IsDir() {
				return err
			}
			info, err := file.Info()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			inside, _ := filepath.Rel(real, path)
			found = append(found, fmt.Sprintf("%s %o %s", filepath.Join(entry.Name(), inside), info.Mode().Perm(), content))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return found
}

func TestWriteChangesAVolumeAsAWhole(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct {
		name  string
		files map[string]File
		want  []string
	}{
		{"at first", map[string]File{"a": {Data: []byte("1"), Mode: 0o644}, "deep/b": {Data: []byte("2"), Mode: 0o400}}, []string{"a 644 1", "deep/b 400 2"}},
		{"with another content", map[string]File{"a": {Data: []byte("3"), Mode: 0o644}, "c": {Data: []byte("4"), Mode: 0o640}}, []string{"a 644 3", "c 640 4"}},
		{"emptied", map[string]File{}, nil},
	} {
		if err := (atomicWriter{osDisk{}}).Write(dir, step.files, nil, now); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); !slices.Equal(got, step.want) {
			t.Errorf("%s the volume has %q, want %q", step.name, got, step.want)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "..2*")); err != nil || len(left) != 1 {
			t.Errorf("%s these contents are there: %v (%v)", step.name, left, err)
		}
	}
}

func TestWriteChangesOnlyWhatIsNotAsItShouldBe(t *testing.T) {
	files := map[string]File{"a": {Data: []byte("1"), Mode: 0o644}, "b": {Data: []byte("2"), Mode: 0o644}}
	for _, test := range []struct {
		name   string
		change func(dir string) error
		moves  bool
	}{
		{"nothing has changed", func(string) error { return nil }, false},
		{"a file has another content", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), nil, 0o600) }, true},
		{"a file has another mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "a"), 0o600) }, true},
		{"a file is gone", func(dir string) error { return os.Remove(filepath.Join(dir, dataDir, "a")) }, true},
		{"there is one file more", func(dir string) error { return os.WriteFile(filepath.Join(dir, dataDir, "c"), nil, 0o600) }, true},
		{"the content is gone", func(dir string) error {
			live, err := os.Readlink(filepath.Join(dir, dataDir))
			return errors.Join(err, os.RemoveAll(filepath.Join(dir, live)))
		}, true},
		{"a name is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }, false},
		{"a name leads elsewhere", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "a")), os.Symlink(filepath.Join(dataDir, "b"), filepath.Join(dir, "a")))
		}, false},
		{"a directory has the place of a name", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "a")), os.MkdirAll(filepath.Join(dir, "a", "deep"), 0o700))
		}, false},
		{"there is one name more", func(dir string) error { return os.Symlink(filepath.Join(dataDir, "b"), filepath.Join(dir, "c")) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, writer := t.TempDir(), atomicWriter{osDisk{}}
			var links []string
			for range 2 {
				if err := writer.Write(dir, files, nil, now); err != nil {
					t.Fatal(err)
				}
				link, err := os.Readlink(filepath.Join(dir, dataDir))
				if err != nil {
					t.Fatal(err)
				}
				if links = append(links, link); len(links) == 1 {
					if err := test.change(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
			if moved := links[0] != links[1]; moved != test.moves {
				t.Errorf("the content moved from %s to %s, want it to move: %t", links[0], links[1], test.moves)
			}
			if got, want := tree(t, dir), []string{"a 644 1", "b 644 2"}; !slices.Equal(got, want) {
				t.Errorf("the volume has %q, want %q", got, want)
			}
		})
	}
}

// TestReadersNeverSeeAMixture reads two files of a volume through one directory, again and again, while it changes.
func TestReadersNeverSeeAMixture(t *testing.T) {
	dir := t.TempDir()
	write := func(i int) {
		value := []byte(fmt.Sprint(i))
		if err := (atomicWriter{osDisk{}}).Write(dir, map[string]File{"a": {Data: value, Mode: 0o644}, "b": {Data: value, Mode: 0o644}}, nil, now); err != nil {
			t.Error(err)
		}
	}
	write(0)
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			content, err := filepath.EvalSymlinks(filepath.Join(dir, dataDir))
			if errors.Is(err, fs.ErrNotExist) {
				continue // what the link led to has been replaced since: a reader looks again
			}
			if err != nil {
				t.Error(err)
				return
			}
			a, errA := os.ReadFile(filepath.Join(content, "a"))
			b, errB := os.ReadFile(filepath.Join(content, "b"))
			if errA == nil && errB == nil && string(a) != string(b) {
				t.Errorf("a reader saw %s beside %s", a, b)
				return
			}
		}
	})
	for i := range 200 {
		write(i)
	}
	close(done)
	group.Wait()
}

func TestWriteRefusesPathsOutsideTheVolume(t *testing.T) {
	for _, path := range []string{"../a", "/a", "..data", "a/../../b"} {
		if err := (atomicWriter{osDisk{}}).Write(t.TempDir(), map[string]File{path: {}}, nil, now); err == nil {
			t.Errorf("%q was written", path)
		}
	}
}
