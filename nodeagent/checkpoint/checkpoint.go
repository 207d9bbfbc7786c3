package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/orrery-dev/orrery/internal/durable"
)

// Write keeps a value in a file, as JSON.
func Write(path string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = durable.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing checkpoint %s: %w", path, err)
	}
	return nil
}

// Read reads what was written last into a value. It is false where nothing was, and the value is as it was then.
func Read(path string, value any) (bool, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err == nil:
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		return false, fmt.Errorf("reading checkpoint %s: %w", path, err)
	}
	return true, nil
}
