package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Settings are what was chosen at the first start of an instance and has to stay, for what was made then relies on it.
type Settings struct {
	// Port is where the API server listens: it is in every kubeconfig.
	Port int `json:"port"`
}

// Settings reads what was chosen; the zero value before the first start.
func (i *Instance) Settings() (Settings, error) {
	var s Settings
	data, err := os.ReadFile(i.Path("settings.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading %s: %w", i.Path("settings.json"), err)
	}
	return s, nil
}

// SaveSettings writes them.
func (i *Instance) SaveSettings(s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing settings: %w", err)
	}
	if err := os.WriteFile(i.Path("settings.json"), append(data, '\n'), 0o600); err != nil {
		return i.cannotWrite(err)
	}
	return nil
}
