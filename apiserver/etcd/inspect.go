package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// inspect looks for damage which etcd does not survive: on a database that was cut off it ends the process by a fault in memory, on one
// with a garbled page by a panic that nobody can catch, and without its log it waits for ever. A nil error means that etcd itself may look.
func inspect(dir string) error {
	member := filepath.Join(dir, memberData, "member")
	database, err := os.Open(filepath.Join(member, "snap", "db"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the data in %s: %w", dir, err)
	}
	defer func() { _ = database.Close() }() // it was only read
	if err := errors.Join(hasLog(filepath.Join(member, "wal")), isWhole(database)); err != nil {
		return &DamagedError{Dir: dir, Reason: err}
	}
	return nil
}

// hasLog says that there is a log without which the database is of no use.
func hasLog(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		return err
	}
	if len(logs) == 0 {
		return fmt.Errorf("there is a database, and no log in %s", dir)
	}
	for _, log := range logs {
		if info, err := os.Stat(log); err == nil && info.Size() == 0 {
			return fmt.Errorf("%s is empty", log)
		}
	}
	return nil
}

// The beginning of a bbolt database are two pages with a meta each, of which the valid one of the later transaction counts:
// https://github.com/etcd-io/bbolt/blob/v1.5.0/internal/common/meta.go
const (
	metaAt       = 16 // after the head of the page
	metaSize     = 64
	metaMagic    = 0xED0CDAED
	atPageSize   = 8
	atRoot       = 16
	atPages      = 40 // one more than the highest page in use
	atTx         = 48
	atChecksum   = 56
	smallestPage = 1 << 9
	largestPage  = 1 << 16
)

// isWhole says that a database is as long as it says, and that its pages hang together. Of one that says nothing sensible etcd tells
// itself.
func isWhole(database *os.File) error {
	info, err := database.Stat()
	if err != nil {
		return err
	}
	meta := latestMeta(database)
	if meta == nil {
		return nil
	}
	want := int64(binary.NativeEndian.Uint64(meta[atPages:])) * int64(pageSize(meta))
	if info.Size() < want {
		return fmt.Errorf("%s was cut off at %d bytes of %d", database.Name(), info.Size(), want)
	}
	if err := areWhole(database, meta); err != nil {
		return fmt.Errorf("%s is garbled: %w", database.Name(), err)
	}
	return nil
}

// latestMeta is the meta that counts, nil if neither is valid.
func latestMeta(database io.ReaderAt) []byte {
	first := readMeta(database, 0)
	if first == nil {
		for size := int64(smallestPage); size <= largestPage; size *= 2 {
			if second := readMeta(database, size); second != nil {
				return second
			}
		}
		return nil
	}
	second := readMeta(database, int64(pageSize(first)))
	if second != nil && binary.NativeEndian.Uint64(second[atTx:]) > binary.NativeEndian.Uint64(first[atTx:]) {
		return second
	}
	return first
}

// readMeta is the meta of the page at an offset, nil if it is not valid.
func readMeta(database io.ReaderAt, page int64) []byte {
	meta := make([]byte, metaSize)
	if _, err := database.ReadAt(meta, page+metaAt); err != nil {
		return nil
	}
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:atChecksum]) // a hash never fails
	if binary.NativeEndian.Uint32(meta) != metaMagic || binary.NativeEndian.Uint64(meta[atChecksum:]) != sum.Sum64() {
		return nil
	}
	return meta
}

func pageSize(meta []byte) uint32 { return binary.NativeEndian.Uint32(meta[atPageSize:]) }
