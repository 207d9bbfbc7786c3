package encryption

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
	"sigs.k8s.io/yaml"
)

// keySize is that of a secretbox key.
const keySize = 32

// encryptedPrefix begins every stored value that some provider has encrypted.
const encryptedPrefix = "k8s:enc:"

// Configuration is an EncryptionConfiguration: which keys encrypt and decrypt which kinds.
type Configuration struct {
	content apiserverv1.EncryptionConfiguration
}

// New is a configuration that encrypts Secrets with a new key, and reads those that were stored before there was one.
func New() (*Configuration, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return &Configuration{apiserverv1.EncryptionConfiguration{
		TypeMeta: metav1.TypeMeta{APIVersion: apiserverv1.SchemeGroupVersion.String(), Kind: "EncryptionConfiguration"},
		Resources: []apiserverv1.ResourceConfiguration{{
			Resources: []string{"secrets"},
			Providers: []apiserverv1.ProviderConfiguration{
				{Secretbox: &apiserverv1.SecretboxConfiguration{Keys: []apiserverv1.Key{key}}},
				{Identity: &apiserverv1.IdentityConfiguration{}},
			},
		}},
	}}, nil
}

// Read reads a configuration. It checks its form alone: whether it makes sense, the API server says. An error matches
// fs.ErrNotExist when there is no such file.
func Read(path string) (*Configuration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the encryption configuration: %w", err)
	}
	c := &Configuration{}
	if err := yaml.UnmarshalStrict(data, &c.content); err != nil {
		return nil, fmt.Errorf("reading encryption configuration %s: %w", path, err)
	}
	if kind := "EncryptionConfiguration"; c.content.Kind != kind {
		return nil, fmt.Errorf("reading encryption configuration %s: its kind is %q, want %s", path, c.content.Kind, kind)
	}
	return c, nil
}

// Lacks says which key is missing to read a Secret as it is stored in etcd, as in `secretbox:v1:orrery-1f2e3d4c`: the provider
// that encrypted it, its version, and the name of its key. Empty means that c can read it, as far as names tell. The zero
// Configuration reads what is not encrypted.
func (c *Configuration) Lacks(stored []byte) (key string) {
	named, encrypted := bytes.CutPrefix(stored, []byte(encryptedPrefix))
	if !encrypted {
		return ""
	}
	for _, prefix := range c.prefixes() {
		if bytes.HasPrefix(named, []byte(prefix)) {
			return ""
		}
	}
	parts := bytes.SplitN(named, []byte(":"), 4)
	return string(bytes.Join(parts[:min(3, len(parts))], []byte(":")))
}

// prefixes begin, after encryptedPrefix, the stored Secrets that c can read.
func (c *Configuration) prefixes() []string {
	var prefixes []string
	add := func(provider string, keys []apiserverv1.Key) {
		for _, key := range keys {
			prefixes = append(prefixes, provider+":v1:"+key.Name+":")
		}
	}
	for _, provider := range c.providers() {
		switch {
		case provider.Secretbox != nil:
			add("secretbox", provider.Secretbox.Keys)
		case provider.AESGCM != nil:
			add("aesgcm", provider.AESGCM.Keys)
		case provider.AESCBC != nil:
			add("aescbc", provider.AESCBC.Keys)
		case provider.KMS != nil:
			version := provider.KMS.APIVersion
			if version == "" {
				version = "v1"
			}
			prefixes = append(prefixes, "kms:"+version+":"+provider.KMS.Name+":")
		}
	}
	return prefixes
}

// providers are those of Secrets: upstream takes the first rule that names a kind.
func (c *Configuration) providers() []apiserverv1.ProviderConfiguration {
	for _, rule := range c.content.Resources {
		if slices.ContainsFunc(rule.Resources, func(name string) bool {
			return slices.Contains([]string{"secrets", "secrets.", "*.", "*.*"}, name)
		}) {
			return rule.Providers
		}
	}
	return nil
}

// newKey draws a key and names it after itself.
func newKey() (apiserverv1.Key, error) {
	secret := make([]byte, keySize)
	if _, err := rand.Read(secret); err != nil {
		return apiserverv1.Key{}, fmt.Errorf("drawing an encryption key: %w", err)
	}
	sum := sha256.Sum256(secret)
	return apiserverv1.Key{
		Name:   "orrery-" + hex.EncodeToString(sum[:4]),
		Secret: base64.StdEncoding.EncodeToString(secret),
	}, nil
}
