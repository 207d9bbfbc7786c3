package apiserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig/controller"

	"github.com/orrery-dev/orrery/apiserver/encryption"
)

// encryptionFile is where the key of Options.EncryptSecrets lies in the data directory.
const encryptionFile = "encryption.yaml"

// EncryptionFile is the path of the key, in a server's data directory, that Options.EncryptSecrets encrypts with.
func EncryptionFile(dataDir string) string { return filepath.Join(dataDir, encryptionFile) }

// secretsLookedAt is how many stored Secrets a start looks at to see whether it has their keys: they all have the same
// one, but while keys are rotated, and each may have a megabyte.
const secretsLookedAt = 100

// encryptionReload is how often a server looks whether its encryption configuration has changed. It is a global variable of
// upstream's, who ask once a minute: a person who rotates keys waits for it three times.
const encryptionReload = 2 * time.Second

// encryptionConfig is the path of the configuration by which Secrets are encrypted; empty if they are not.
func (o *Options) encryptionConfig() string {
	switch {
	case o.EncryptionConfig != "":
		return o.EncryptionConfig
	case o.EncryptSecrets:
		return EncryptionFile(o.DataDir)
	default:
		return ""
	}
}

// prepareEncryption makes the key at the first start, and sees to it that the Secrets in etcd can be read: that their key is
// lost is one error now, and not one in every request for a Secret.
func (s *Server) prepareEncryption(ctx context.Context, store ExternalEtcd, client *clientv3.Client) error {
	path := s.options.encryptionConfig()
	configuration, first := &encryption.Configuration{}, false
	if path != "" {
		read, err := encryption.Read(path)
		switch {
		case err == nil:
			configuration = read
		case errors.Is(err, fs.ErrNotExist) && s.options.EncryptionConfig == "":
			first = true
		default:
			return err
		}
	}
	key, err := store.missingKey(ctx, client, configuration)
	switch {
	case err != nil:
		return fmt.Errorf("looking at stored Secrets: %w", err)
	case key != "":
		return &LostKeyError{Key: key, File: path}
	case !first:
		return nil
	}
	if configuration, err = encryption.New(); err != nil {
		return err
	}
	return configuration.Write(path)
}

// missingKey is the key that some stored Secret needs and the configuration does not have; empty if there is none.
func (e ExternalEtcd) missingKey(ctx context.Context, client *clientv3.Client, configuration *encryption.Configuration) (string, error) {
	prefix := "/" + strings.Trim(e.Prefix, "/") + "/secrets/"
	stored, err := client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithLimit(secretsLookedAt))
	if err != nil {
		return "", err
	}
	for _, secret := range stored.Kvs {
		if key := configuration.Lacks(secret.Value); key != "" {
			return key, nil
		}
	}
	return "", nil
}

// LostKeyError says that Secrets are stored which the server could not read.
type LostKeyError struct {
	// Key is the provider, its version and the name of the key that encrypted them.
	Key string
	// File is the encryption configuration in which it is not. Empty if there is none.
	File string
}

func (e *LostKeyError) Error() string {
	where := "and there is no encryption configuration"
	if e.File != "" {
		where = "which " + e.File + " does not hold"
	}
	return fmt.Sprintf("Secrets in etcd were encrypted with key %s, %s: put the file that holds it back from a backup, or name it with "+
		"--encryption-config; without the key nobody can read these Secrets, and all that is left is to give up what is stored ('orrery reset')", e.Key, where)
}

// reloadEncryption makes all servers notice new keys soon.
var reloadEncryption = sync.OnceFunc(func() {
	controller.EncryptionConfigFileChangePollDuration = encryptionReload
})
