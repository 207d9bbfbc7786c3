package snapshot

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// largestManifest is how much of a file that is none is read before that is noticed.
const largestManifest = 1 << 20

// Describe reads what a snapshot says of itself. It looks at nothing else: see [Verify].
func Describe(path string) (s Snapshot, err error) {
	err = read(path, func(m Manifest, bytes int64, _ contents) error {
		s = Snapshot{Manifest: m, Path: path, Bytes: bytes}
		return nil
	})
	return s, err
}

// Verify reads a snapshot whole. What is wrong with it is a *DamagedError.
func Verify(path string) (s Snapshot, err error) {
	err = read(path, func(m Manifest, bytes int64, contents contents) error {
		s = Snapshot{Manifest: m, Path: path, Bytes: bytes}
		return m.each(contents, func(File) (io.WriteCloser, error) { return discarded{}, nil })
	})
	return s, err
}

// contents are what is in an archive, behind its manifest.
type contents struct {
	*tar.Reader
	plain io.Reader // what tar reads
}

type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) Close() error                { return nil }

// read opens an archive behind its manifest. An error of use, unless it is one of what use writes to, is a *DamagedError.
func read(path string, use func(m Manifest, bytes int64, contents contents) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening a snapshot: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("opening a snapshot: %w", err)
	}
	plain, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer plain.Close()
	contents := contents{tar.NewReader(plain), plain}
	m, err := readManifest(contents.Reader)
	if err == nil {
		err = use(m, info.Size(), contents)
	}
	if failed := (*targetError)(nil); errors.As(err, &failed) {
		return failed.error
	}
	if err != nil {
		return &DamagedError{Path: path, Reason: err}
	}
	return nil
}

func readManifest(archive *tar.Reader) (m Manifest, err error) {
	header, err := archive.Next()
	if err != nil {
		return m, fmt.Errorf("it does not begin as one: %w", err)
	}
	if header.Name != manifestName || header.Size > largestManifest {
		return m, fmt.Errorf("it begins with %q, where %s should be", header.Name, manifestName)
	}
	described, err := io.ReadAll(archive)
	if err != nil {
		return m, fmt.Errorf("reading its %s: %w", manifestName, err)
	}
	if err := json.NewDecoder(bytes.NewReader(described)).Decode(&m); err != nil {
		return m, fmt.Errorf("reading its %s: %w", manifestName, err)
	}
	return m, m.check()
}

// targetError is an error of what an archive is written to. The archive is not to blame.
type targetError struct{ error }

// each writes every file of an archive to where to says, and compares it with what the manifest says. What lies behind the last one is
// damage, too.
func (m *Manifest) each(archive contents, to func(File) (io.WriteCloser, error)) error {
	for _, file := range m.Files {
		header, err := archive.Next()
		if err != nil {
			return fmt.Errorf("%s should follow: %w", file.Name, notEOF(err))
		}
		if header.Name != file.Name || header.Size != file.Size || header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s with %d bytes follows, where %s with %d should", header.Name, header.Size, file.Name, file.Size)
		}
		target, err := to(file)
		if err != nil {
			return &targetError{err}
		}
		if err := errors.Join(file.copy(archive, target), target.Close()); err != nil {
			return err
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows its last file: %w", err)
	}
	if _, err := io.Copy(io.Discard, archive.plain); err != nil { // its own checksum, of all that was read, comes last
		return fmt.Errorf("reading its end: %w", err)
	}
	return nil
}

// copy writes a file's content, and compares it.
func (f File) copy(from io.Reader, to io.Writer) error {
	sum := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		n, readErr := from.Read(buffer)
		_, _ = sum.Write(buffer[:n]) // a hash never fails
		if _, err := to.Write(buffer[:n]); err != nil {
			return &targetError{err}
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return fmt.Errorf("reading its %s: %w", f.Name, readErr)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("its %s has the checksum %s, and should have %s", f.Name, got, f.SHA256)
	}
	return nil
}

// notEOF is an error in which the end of an archive is one that comes too early.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// local is where a file of an archive belongs below a directory. A name that leads out of it is damage.
func (f File) local(dir, name string) (string, error) {
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("its file %q leads out of it", f.Name)
	}
	return filepath.Join(dir, path), nil
}
