package encryption

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/internal/durable"
)

// Write replaces the file at path by the configuration, in one step and readable by its owner alone. It is on the disk when
// Write returns: nothing may be encrypted with a key that a power cut could take away.
func (c *Configuration) Write(path string) error {
	data, err := yaml.Marshal(c.content)
	if err != nil {
		return fmt.Errorf("encoding the encryption configuration: %w", err)
	}
	if err := durable.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing the encryption configuration: %w", err)
	}
	return nil
}
