package snapshot

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/orrery-dev/orrery/internal/durable"
)

// Source is a control plane of which a snapshot is taken.
type Source struct {
	// Name and Version are as in the Manifest.
	Name, Version string
	// Etcd reaches one member of the store.
	Etcd clientv3.Config
	// Root is a directory, and Keys are the paths below it of the files to take along, with slashes. Those that do not exist are left out;
	// nil takes none.
	Root string
	Keys []string
}

// Take takes a snapshot while the store is in use, and writes it into a directory, which is made if it does not exist. now is when.
func Take(ctx context.Context, from Source, dir string, now time.Time) (s Snapshot, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("taking a snapshot of %s: %w", from.Name, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, err
	}
	scratch, err := os.MkdirTemp(dir, ".taking-*")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()

	s.Manifest = Manifest{Format: Format, Name: from.Name, Version: from.Version, Taken: now.UTC(), WithKeys: len(from.Keys) > 0}
	store := filepath.Join(scratch, storeName)
	if err := s.fetchStore(ctx, from.Etcd, store); err != nil {
		return s, err
	}
	contents, err := s.describe(from, store)
	if err != nil {
		return s, err
	}
	archive := filepath.Join(scratch, "archive")
	if err := s.write(archive, contents); err != nil {
		return s, err
	}
	if s.Path, err = s.publish(archive, dir); err != nil {
		return s, err
	}
	info, err := os.Stat(s.Path)
	if err == nil {
		s.Bytes = info.Size()
	}
	return s, err
}

// fetchStore writes etcd's own snapshot to a file, whose checksum etcd's client has verified, and notes how far it is.
func (m *Manifest) fetchStore(ctx context.Context, etcd clientv3.Config, to string) error {
	manager := snapshot.NewV3(zap.NewNop())
	if _, err := manager.Save(ctx, etcd, to); err != nil {
		return fmt.Errorf("reading etcd: %w", err)
	}
	status, err := manager.Status(to)
	if err != nil {
		return fmt.Errorf("looking at what etcd sent: %w", err)
	}
	m.Etcd, m.Revision, m.Keys = status.Version, status.Revision, status.TotalKey
	return nil
}

// describe lists the files of the archive in the manifest, and returns where their contents are.
func (m *Manifest) describe(from Source, store string) (contents []string, err error) {
	add := func(name, content string) error {
		file, err := fileOf(name, content)
		if err == nil {
			m.Files, contents = append(m.Files, file), append(contents, content)
		}
		return err
	}
	if err := add(storeName, store); err != nil {
		return nil, err
	}
	for _, key := range from.Keys {
		err := add(path.Join(filesPrefix, key), filepath.Join(from.Root, filepath.FromSlash(key)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return contents, nil
}

// fileOf is what the manifest says of a file.
func fileOf(name, content string) (File, error) {
	file, err := os.Open(content)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = file.Close() }() // read only
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", content, err)
	}
	return File{Name: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// write writes the archive, to the disk.
func (m *Manifest) write(to string, contents []string) (err error) {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	compressed, err := zstd.NewWriter(file, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	described, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the snapshot: %w", err)
	}
	if err := m.add(archive, manifestName, int64(len(described))); err != nil {
		return err
	}
	if _, err := archive.Write(described); err != nil {
		return err
	}
	for i, file := range m.Files {
		if err := m.addFile(archive, file, contents[i]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close(), file.Sync())
}

func (m *Manifest) add(archive *tar.Writer, name string, size int64) error {
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: m.Taken})
}

// addFile adds a file as it was described. One that has changed since then would make an archive that nobody could restore.
func (m *Manifest) addFile(archive *tar.Writer, file File, content string) error {
	from, err := os.Open(content)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // read only
	if err := m.add(archive, file.Name, file.Size); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(archive, io.TeeReader(from, sum), file.Size); err != nil {
		return fmt.Errorf("reading %s: %w", content, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != file.SHA256 {
		return fmt.Errorf("%s changed while it was read: try again", content)
	}
	return nil
}

// publish gives an archive its name, which no other has.
func (m *Manifest) publish(archive, dir string) (string, error) {
	for n := 0; ; n++ {
		name := filepath.Join(dir, m.fileName(n))
		switch err := os.Link(archive, name); {
		case err == nil:
			return name, durable.SyncDir(dir)
		case !errors.Is(err, fs.ErrExist):
			return "", err
		}
	}
}
