package encryption

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Write replaces the file at path by the configuration, in one step and readable by its owner alone. It is on the disk when
// Write returns: nothing may be encrypted with a key that a power cut could take away.
func (c *Configuration) Write(path string) error {
	data, err := yaml.Marshal(c.content)
	if err != nil {
		return fmt.Errorf("encoding the encryption configuration: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // for its owner alone
	if err != nil {
		return fmt.Errorf("writing encryption configuration %s: %w", path, err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // after a rename there is none
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("writing encryption configuration %s: %w", path, err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
