package encryption

import (
	"errors"

	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
)

// errNotOurs is why a configuration that a person wrote is not rotated.
var errNotOurs = errors.New("only a configuration that encrypts Secrets by secretbox, as this program makes it, is rotated by it")

// AddKey puts a new key before those that are there: what is stored from now on is encrypted with it, and what was stored
// before is still read.
func (c *Configuration) AddKey() error {
	box := c.secretbox()
	if box == nil {
		return errNotOurs
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	box.Keys = append([]apiserverv1.Key{key}, box.Keys...)
	return nil
}

// OldKeys is how many keys there are besides the one that encrypts.
func (c *Configuration) OldKeys() int {
	if box := c.secretbox(); box != nil {
		return len(box.Keys) - 1
	}
	return 0
}

// DropOldKeys leaves only the key that encrypts. Nothing stored may need another.
func (c *Configuration) DropOldKeys() {
	if box := c.secretbox(); box != nil {
		box.Keys = box.Keys[:1]
	}
}

// KeyName is the name of the key that encrypts; empty for a configuration that is not ours.
func (c *Configuration) KeyName() string {
	if box := c.secretbox(); box != nil {
		return box.Keys[0].Name
	}
	return ""
}

// secretbox is the provider that encrypts Secrets, or nil if that is another.
func (c *Configuration) secretbox() *apiserverv1.SecretboxConfiguration {
	providers := c.providers()
	if len(providers) == 0 || providers[0].Secretbox == nil || len(providers[0].Secretbox.Keys) == 0 {
		return nil
	}
	return providers[0].Secretbox
}
