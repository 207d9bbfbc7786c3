package encryption_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apiserver/encryption"
)

func made(t *testing.T) *encryption.Configuration {
	t.Helper()
	c, err := encryption.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "encryption.yaml")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAConfigurationIsReadBackFromAFileThatOnlyItsOwnerReads(t *testing.T) {
	path := written(t, "what was there before")
	c := made(t)
	if err := c.Write(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("its mode is %v, want 0600", info.Mode())
	}
	back, err := encryption.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.KeyName() == "" || back.KeyName() != c.KeyName() {
		t.Errorf("its key is %q, want %q", back.KeyName(), c.KeyName())
	}
}

func TestEachKeyHasANameOfItsOwn(t *testing.T) {
	if one, other := made(t).KeyName(), made(t).KeyName(); one == other {
		t.Errorf("two keys are called %s", one)
	}
}

func TestReadingSaysWhatIsWrong(t *testing.T) {
	if _, err := encryption.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v, want an error that matches fs.ErrNotExist", err)
	}
	for name, c := range map[string]struct{ content, want string }{
		"not YAML":         {"\tspoiled", "encryption.yaml"},
		"another kind":     {"apiVersion: v1\nkind: Secret\n", "Secret"},
		"an unknown field": {"kind: EncryptionConfiguration\nresource: []\n", `"resource"`},
	} {
		if _, err := encryption.Read(written(t, c.content)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %s", name, err, c.want)
		}
	}
}

func TestAStoredSecretTellsWhichKeyItNeeds(t *testing.T) {
	configuration := func(rules string) string {
		return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n" + rules
	}
	key := "keys: [{name: a, secret: c2VjcmV0}, {name: b, secret: c2VjcmV0}]"
	for name, c := range map[string]struct{ rules, stored, want string }{
		"one that is not encrypted":                     {"- {resources: [secrets], providers: [{secretbox: {" + key + "}}]}", "k8s\x00\n\x0c", ""},
		"one of the key that encrypts":                  {"- {resources: [secrets], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:a:\x01\x02", ""},
		"one of an older key":                           {"- {resources: [secrets], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:b:\x01", ""},
		"one of a key that is lost":                     {"- {resources: [secrets], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:c:\x01:\x02", "secretbox:v1:c"},
		"a name that only begins like a known one":      {"- {resources: [secrets], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:ab:\x01", "secretbox:v1:ab"},
		"a known name with another cipher":              {"- {resources: [secrets], providers: [{aesgcm: {" + key + "}}]}", "k8s:enc:secretbox:v1:a:\x01", "secretbox:v1:a"},
		"one of a further provider":                     {"- {resources: [secrets], providers: [{aesgcm: {" + key + "}}, {aescbc: {" + key + "}}]}", "k8s:enc:aescbc:v1:b:\x01", ""},
		"one of a key management service":               {"- {resources: [secrets], providers: [{kms: {apiVersion: v2, name: vault, endpoint: x}}]}", "k8s:enc:kms:v2:vault:\x01", ""},
		"one of a service by the first protocol":        {"- {resources: [secrets], providers: [{kms: {name: vault, endpoint: x}}]}", "k8s:enc:kms:v1:vault:\x01", ""},
		"a rule for every kind":                         {"- {resources: ['*.*'], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:a:\x01", ""},
		"a rule for other kinds only":                   {"- {resources: [configmaps], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:a:\x01", "secretbox:v1:a"},
		"a key in a rule that comes too late":           {"- {resources: [secrets], providers: [{identity: {}}]}\n- {resources: ['*.*'], providers: [{secretbox: {" + key + "}}]}", "k8s:enc:secretbox:v1:a:\x01", "secretbox:v1:a"},
		"one that was cut short after its first letter": {"- {resources: [secrets], providers: [{identity: {}}]}", "k8s:enc:s", "s"},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := encryption.Read(written(t, configuration(c.rules)))
			if err != nil {
				t.Fatal(err)
			}
			if got := read.Lacks([]byte(c.stored)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestARotationReadsOldSecretsUntilTheirKeyIsDropped(t *testing.T) {
	c := made(t)
	old := []byte("k8s:enc:secretbox:v1:" + c.KeyName() + ":\x01")
	if err := c.AddKey(); err != nil {
		t.Fatal(err)
	}
	if needs := c.Lacks(old); needs != "" || c.OldKeys() != 1 {
		t.Errorf("with a new key, what needs %q cannot be read, and there are %d old keys, want 1", needs, c.OldKeys())
	}
	if current := []byte("k8s:enc:secretbox:v1:" + c.KeyName() + ":\x01"); string(current) == string(old) || c.Lacks(current) != "" {
		t.Errorf("the key that encrypts is %s, want the new one", c.KeyName())
	}
	c.DropOldKeys()
	if needs := c.Lacks(old); needs == "" || c.OldKeys() != 0 {
		t.Errorf("the old key is still there, of %d", c.OldKeys())
	}
}

func TestAConfigurationThatAPersonWroteIsNotRotated(t *testing.T) {
	read, err := encryption.Read(written(t, "kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{identity: {}}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := read.AddKey(); err == nil {
		t.Error("a key was added to it")
	}
}
