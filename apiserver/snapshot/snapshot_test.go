package snapshot_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/snapshot"
)

var taken = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

// member starts a member on a directory.
func member(t *testing.T, dir string) (*clientv3.Client, clientv3.Config) {
	t.Helper()
	server, err := etcd.Start(t.Context(), etcd.Options{Dir: dir, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := clientv3.Config{Endpoints: []string{server.Endpoint()}, Logger: zap.NewNop()}
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, config
}

// source is a store with some keys in it, and files beside it.
func source(t *testing.T) (snapshot.Source, *clientv3.Client) {
	t.Helper()
	client, config := member(t, t.TempDir())
	for i := range 100 {
		if _, err := client.Put(t.Context(), fmt.Sprintf("/registry/%d", i), strings.Repeat("value", i)); err != nil {
			t.Fatal(err)
		}
	}
	root := t.TempDir()
	for name, content := range map[string]string{"settings.json": "{}", "apiserver/pki/ca.key": "secret"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys := []string{"settings.json", "apiserver/pki/ca.key", "apiserver/encryption.yaml"}
	return snapshot.Source{Name: "one", Version: "v1", Etcd: config, Root: root, Keys: keys}, client
}

func take(t *testing.T, from snapshot.Source) snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Take(t.Context(), from, filepath.Join(t.TempDir(), "snapshots"), taken)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsRestoredIsWhatWasTaken(t *testing.T) {
	from, client := source(t)
	s := take(t, from)
	if _, err := client.Delete(t.Context(), "/registry/7"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.Path); err != nil || info.Mode().Perm() != 0o600 || filepath.Base(s.Path) != "one-20260102T030405Z.tar.zst" {
		t.Errorf("the snapshot is %s (%v, %v), want one of its owner's", s.Path, info.Mode(), err)
	}

	dir := filepath.Join(t.TempDir(), "restored")
	restored, err := snapshot.Restore(s.Path, dir, "apiserver/etcd")
	if err != nil {
		t.Fatal(err)
	}
	if restored.Revision != s.Revision || restored.Keys != 100 || restored.Version != "v1" || !restored.WithKeys {
		t.Errorf("it says of itself %+v", restored.Manifest)
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		info, infoErr := entry.Info()
		name, _ := filepath.Rel(dir, path)
		ofEtcd := strings.HasPrefix(name, "apiserver/etcd/")
		if err == nil && infoErr == nil && !ofEtcd && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can use %s: %s", path, info.Mode())
		}
		if !entry.IsDir() && !ofEtcd {
			files = append(files, name)
		}
		return errors.Join(err, infoErr)
	})
	if got := strings.Join(files, " "); err != nil || got != "apiserver/pki/ca.key settings.json" {
		t.Errorf("beside the store there are %s (%v)", got, err)
	}

	again, _ := member(t, filepath.Join(dir, "apiserver", "etcd"))
	stored, err := again.Get(t.Context(), "/registry/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.Kvs) != 100 {
		t.Errorf("there are %d keys again, want 100", len(stored.Kvs))
	}
	if stored.Header.Revision <= s.Revision+1_000_000 {
		t.Errorf("the store goes on from revision %d, and was at %d: somebody may see a revision twice", stored.Header.Revision, s.Revision)
	}
	watch := <-again.Watch(t.Context(), "/registry/", clientv3.WithPrefix(), clientv3.WithRev(s.Revision))
	if watch.CompactRevision == 0 {
		t.Errorf("who watched before is not told to list anew: %v", watch.Err())
	}
}

func TestAnArchiveIsOneThatTarUnpacks(t *testing.T) {
	from, _ := source(t)
	file, err := os.Open(take(t, from).Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	plain, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var names []string
	archive := tar.NewReader(plain)
	header, err := archive.Next()
	for ; err == nil; header, err = archive.Next() {
		names = append(names, header.Name)
	}
	const want = "manifest.json etcd.db files/settings.json files/apiserver/pki/ca.key"
	if got := strings.Join(names, " "); !errors.Is(err, io.EOF) || got != want {
		t.Errorf("it has %q (%v), want %q", got, err, want)
	}
}

// TestWhatIsNotWholeIsRefused cuts a snapshot off anywhere, and changes any byte of it. Some bytes say only how it is compressed, and one
// that is changed may say the same.
func TestWhatIsNotWholeIsRefused(t *testing.T) {
	from, _ := source(t)
	s := take(t, from)
	whole, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		content := bytes.Clone(whole)
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "cut off") {
			content = content[:at]
		} else {
			content[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		path := filepath.Join(dir, "damaged"+snapshot.Extension)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(dir, "restored")
		restored, err := snapshot.Restore(path, target, "etcd")
		if err == nil && len(content) == len(whole) && cmp.Equal(restored.Manifest, s.Manifest) {
			if err := os.RemoveAll(target); err != nil {
				t.Fatal(err)
			}
			return
		}
		var damaged *snapshot.DamagedError
		if !errors.As(err, &damaged) || damaged.Path != path {
			t.Fatalf("got %v, want it to be refused as damaged", err)
		}
		if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("something of it was restored: %v", err)
		}
	})
}

func TestARestoreGoesNowhereWhereSomethingIs(t *testing.T) {
	from, _ := source(t)
	dir := t.TempDir()
	if _, err := snapshot.Restore(take(t, from).Path, dir, "etcd"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want it to be refused", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("what was there is gone: %v", err)
	}
}

func TestTheNewestAreKept(t *testing.T) {
	from, _ := source(t)
	dir := t.TempDir()
	for i := range 4 {
		at := taken.Add(time.Duration(i/2)*time.Hour + time.Duration(i)*time.Millisecond) // two in each second
		if _, err := snapshot.Take(t.Context(), from, dir, at); err != nil {
			t.Fatal(err)
		}
	}
	other := from
	other.Name = "other"
	if _, err := snapshot.Take(t.Context(), other, dir, taken); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes"+snapshot.Extension), []byte("no snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}

	removed, err := snapshot.Prune(dir, "one", 2)
	var damaged *snapshot.DamagedError
	if len(removed) != 2 || !errors.As(err, &damaged) {
		t.Errorf("removed %d and said %v, want 2 removed and the file named that is none", len(removed), err)
	}
	list, _ := snapshot.List(dir, "")
	var names []string
	for _, s := range list {
		names = append(names, filepath.Base(s.Path))
	}
	const want = "one-20260102T040405Z-1.tar.zst one-20260102T040405Z.tar.zst other-20260102T030405Z.tar.zst"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
}
