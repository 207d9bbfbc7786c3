package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	for _, test := range []struct {
		name   string
		before fs.FileMode // of a file that is there; 0 for none
		mode   fs.FileMode
	}{
		{"a new file", 0, 0o600},
		{"one that all may read, whatever the umask", 0, 0o666},
		{"in the place of one that others could read", 0o644, 0o600},
		{"in the place of one that may not be written", 0o400, 0o600},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if test.before != 0 {
				if err := os.WriteFile(path, []byte("a longer text than the next"), test.before); err != nil {
					t.Fatal(err)
				}
			}
			if err := WriteFile(path, []byte("text"), test.mode); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil || string(text) != "text" {
				t.Errorf("the file says %q, %v", text, err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != test.mode {
				t.Errorf("its mode is %v, %v; want %v", info.Mode(), err, test.mode)
			}
			alone(t, dir)
		})
	}
}

// Whoever has the file open goes on reading what it was: it is another file that takes its place.
func TestAReaderSeesOneOfBothWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }() // read only
	if err := WriteFile(path, []byte("after"), 0o600); err != nil {
		t.Fatal(err)
	}
	var text [10]byte
	if n, _ := reader.Read(text[:]); string(text[:n]) != "before" {
		t.Errorf("the reader sees %q", text[:n])
	}
}

func TestAWriteThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "file", "full"), 0o755); err != nil { // a folder is in its place
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err == nil {
		t.Error("a folder was written over")
	}
	alone(t, dir)
	if err := WriteFile(filepath.Join(dir, "none", "file"), nil, 0o600); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
}

// alone checks that there is nothing else in the folder.
func alone(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("in the folder are %v, %v; want the file alone", entries, err)
	}
}
