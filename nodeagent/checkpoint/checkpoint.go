package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write keeps a value in a file, as JSON.
func Write(path string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = Replace(path, text)
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

// Replace puts a file in the place of another, or of none, so that after a crash one of both is there whole.
func Replace(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
