package apiserver_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/encryption"
	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// vault is an etcd that outlives the servers which store in it, and whose bytes can be looked at.
type vault struct {
	server *etcd.Server
	client *clientv3.Client
}

func newVault(t *testing.T) *vault {
	t.Helper()
	server, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), server.Stop()); err != nil {
			t.Error(err)
		}
	})
	return &vault{server, client}
}

// options are those of a server that stores there.
func (v *vault) options(dataDir string) apiserver.Options {
	return apiserver.Options{
		DataDir: dataDir, Ephemeral: true, EncryptSecrets: true,
		Etcd: &apiserver.ExternalEtcd{Endpoints: []string{v.server.Endpoint()}},
	}
}

// bytes are what etcd holds of an object.
func (v *vault) bytes(t *testing.T, key string) []byte {
	t.Helper()
	answer, err := v.client.Get(t.Context(), "/registry/"+key)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Kvs) != 1 {
		t.Fatalf("etcd holds %d values of %s, want 1", len(answer.Kvs), key)
	}
	return answer.Kvs[0].Value
}

const password = "cassini-huygens"

func keepSecret(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"password": password}}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func wantSecret(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	secret, err := client.CoreV1().Secrets("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(secret.Data["password"]); got != password {
		t.Errorf("Secret %s holds %q, want %q", name, got, password)
	}
}

func stop(t *testing.T, server *apiserver.Server) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsAreEncryptedInEtcd(t *testing.T) {
	t.Parallel()
	v, dir := newVault(t), t.TempDir()
	plain := v.options(dir)
	plain.EncryptSecrets = false
	before := start(t, plain)
	keepSecret(t, clients(t, before, identity.Admin), "old")
	stop(t, before)
	if !bytes.Contains(v.bytes(t, "secrets/default/old"), []byte(password)) {
		t.Fatal("the Secret from before there was a key cannot be read in etcd, so this test would see nothing")
	}

	t.Run("new ones are not to be read in etcd, and old ones are served", func(t *testing.T) {
		server := start(t, v.options(dir))
		client := clients(t, server, identity.Admin)
		wantSecret(t, client, "old")
		keepSecret(t, client, "new")
		wantSecret(t, client, "new")
		stored := v.bytes(t, "secrets/default/new")
		if !bytes.HasPrefix(stored, []byte("k8s:enc:secretbox:v1:orrery-")) || bytes.Contains(stored, []byte(password)) {
			t.Errorf("etcd holds %q", stored)
		}
		info, err := os.Stat(apiserver.EncryptionFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("the key's file has mode %v, want 0600", info.Mode())
		}
		stop(t, server)
	})

	refused := func(t *testing.T, o apiserver.Options) *apiserver.LostKeyError {
		t.Helper()
		server, err := apiserver.Start(t.Context(), o)
		var lost *apiserver.LostKeyError
		if err == nil {
			stop(t, server)
		}
		if !errors.As(err, &lost) {
			t.Fatalf("got %v, want a LostKeyError", err)
		}
		return lost
	}
	t.Run("a start without encryption says that there are encrypted ones", func(t *testing.T) {
		if lost := refused(t, plain); !strings.Contains(lost.Error(), "--encryption-config") {
			t.Error(lost)
		}
	})
	elsewhere := filepath.Join(t.TempDir(), "kept.yaml")
	t.Run("that the key is lost is one error, which names its file, and no other key is made", func(t *testing.T) {
		if err := os.Rename(apiserver.EncryptionFile(dir), elsewhere); err != nil {
			t.Fatal(err)
		}
		if lost := refused(t, v.options(dir)); lost.File != apiserver.EncryptionFile(dir) || !strings.HasPrefix(lost.Key, "secretbox:v1:orrery-") {
			t.Error(lost)
		}
		if _, err := os.Stat(apiserver.EncryptionFile(dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a new key was made: %v", err)
		}
	})
	t.Run("a configuration that is named is used instead", func(t *testing.T) {
		o := v.options(dir)
		o.EncryptionConfig = elsewhere
		server := start(t, o)
		wantSecret(t, clients(t, server, identity.Admin), "new")
		stop(t, server)
	})
	t.Run("the key is used again when it is back", func(t *testing.T) {
		if err := os.Rename(elsewhere, apiserver.EncryptionFile(dir)); err != nil {
			t.Fatal(err)
		}
		server := start(t, v.options(dir))
		wantSecret(t, clients(t, server, identity.Admin), "new")
		stop(t, server)
	})
}

// It does not run beside others: the metric that says which configuration is loaded is one of the process, and each server that starts in it
// takes back what another has said.
func TestTheKeyOfSecretsIsRotatedWhileTheServerRuns(t *testing.T) {
	v, dir := newVault(t), t.TempDir()
	file := apiserver.EncryptionFile(dir)
	server := start(t, v.options(dir))
	client := clients(t, server, identity.Admin)
	keepSecret(t, client, "one")
	old, err := encryption.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	rotate := func() string {
		t.Helper()
		key, secrets, err := apiserver.RotateKey(t.Context(), config, file)
		if err != nil {
			t.Fatal(err)
		}
		if secrets != 1 {
			t.Errorf("%d Secrets were rewritten, want 1", secrets)
		}
		if stored := v.bytes(t, "secrets/default/one"); !bytes.HasPrefix(stored, []byte("k8s:enc:secretbox:v1:"+key+":")) {
			t.Errorf("after the rotation to %s etcd holds %q", key, stored[:min(len(stored), 60)])
		}
		wantSecret(t, client, "one")
		now, err := encryption.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if now.OldKeys() != 0 || now.KeyName() != key {
			t.Errorf("the file begins with key %s and has %d old ones, want %s alone", now.KeyName(), now.OldKeys(), key)
		}
		return key
	}
	first := rotate()
	if first == old.KeyName() {
		t.Error("the key is the same as before")
	}

	// One that ended after it had made a key.
	interrupted, err := encryption.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := interrupted.AddKey(); err != nil {
		t.Fatal(err)
	}
	if err := interrupted.Write(file); err != nil {
		t.Fatal(err)
	}
	if finished := rotate(); finished != interrupted.KeyName() {
		t.Errorf("the interrupted rotation was finished with %s, want the key that it had made, %s", finished, interrupted.KeyName())
	}
}
