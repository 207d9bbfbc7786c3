package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/internal/durable"
)

// ahead is by how many revisions the store goes on from where the snapshot was, so that nobody sees a revision for the second time: as
// etcd's own guide to disaster recovery advises, https://etcd.io/docs/v3.7/op-guide/recovery/#restoring-with-revision-bump.
const ahead = 1_000_000_000

// Restore puts a snapshot into a directory that does not exist yet: the files where they were below Source.Root, and the store as the
// data of a single member (package etcd) in the directory store, a path below it with slashes. It verifies all of it first and on the way. On
// an error nothing is left.
func Restore(path, dir, store string) (s Snapshot, err error) {
	if s, err = Verify(path); err != nil {
		return s, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return s, fmt.Errorf("restoring %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restoring %s: %w", path, err), os.RemoveAll(dir))
		}
	}()
	database := filepath.Join(dir, storeName)
	err = read(path, func(m Manifest, _ int64, contents contents) error {
		return m.each(contents, func(file File) (io.WriteCloser, error) { return create(file, dir, database) })
	})
	if err != nil {
		return s, err
	}
	if err := restoreStore(database, filepath.Join(dir, filepath.FromSlash(store))); err != nil {
		return s, err
	}
	if err := os.Remove(database); err != nil {
		return s, err
	}
	return s, durable.SyncDir(dir)
}

// create opens the place of a file.
func create(file File, dir, database string) (io.WriteCloser, error) {
	if file.Name == storeName {
		return os.OpenFile(database, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}
	path, err := file.local(dir, strings.TrimPrefix(file.Name, filesPrefix))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// restoreStore makes a member's data directory from etcd's own snapshot.
func restoreStore(database, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	member := etcd.MemberOf(dir)
	err := snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath:        database,
		Name:                member.Name,
		OutputDataDir:       member.DataDir,
		PeerURLs:            []string{member.PeerURL},
		InitialCluster:      member.Name + "=" + member.PeerURL,
		InitialClusterToken: member.Token,
		RevisionBump:        ahead,
		MarkCompacted:       true,
	})
	if err != nil {
		return fmt.Errorf("making etcd's data: %w", err)
	}
	return nil
}
