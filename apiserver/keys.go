package apiserver

import (
	"path"
	"path/filepath"

	"github.com/orrery-dev/orrery/apiserver/pki"
)

// The directories of a server's data directory.
const (
	pkiName  = "pki"
	etcdName = "etcd"
)

// Keys are the files in a server's data directory without which what it stores is of no use, as paths below it with slashes: those
// that sign and those that encrypt. Some may not exist.
func Keys() []string {
	keys := []string{encryptionFile}
	for _, key := range pki.Keys() {
		keys = append(keys, path.Join(pkiName, key))
	}
	return keys
}

// EtcdDir is where a server's own etcd is, in its data directory.
func EtcdDir(dataDir string) string { return filepath.Join(dataDir, etcdName) }

// pkiDir is where, in a server's data directory, its certificates lie.
func pkiDir(dataDir string) string { return filepath.Join(dataDir, pkiName) }
