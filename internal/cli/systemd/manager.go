package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Where a machine keeps what this package touches.
const (
	// unitDir is where an administrator's units are.
	unitDir = "/etc/systemd/system"
	// runningDir is there while systemd is process 1, and only then: see sd_booted(3).
	runningDir = "/run/systemd/system"
)

// ErrNotInit is the error of a machine whose process 1 is not systemd.
var ErrNotInit = errors.New("systemd does not run this machine (there is no " + runningDir + ")")

// Manager is the systemd of this machine.
type Manager struct{ units, running string }

// Machine is the systemd that runs this machine. Where none does, each of its methods returns ErrNotInit.
func Machine() *Manager { return &Manager{units: unitDir, running: runningDir} }

// Path is where a unit's file is.
func (m *Manager) Path(u Unit) string { return filepath.Join(m.units, u.File()) }

// Available returns ErrNotInit where systemd does not run the machine.
func (m *Manager) Available() error {
	if _, err := os.Stat(m.running); err != nil {
		return ErrNotInit
	}
	return nil
}

// Install writes the unit, has it started now and at each boot, and returns when it is ready. One that runs is started anew.
func (m *Manager) Install(ctx context.Context, u Unit) error {
	if err := m.Available(); err != nil {
		return err
	}
	if err := os.WriteFile(m.Path(u), []byte(u.String()), 0o644); err != nil { //nolint:gosec // units are public
		return fmt.Errorf("writing the unit: %w", err)
	}
	for _, command := range [][]string{{"daemon-reload"}, {"enable", u.File()}, {"restart", u.File()}} {
		if _, err := m.systemctl(ctx, command...); err != nil {
			return err
		}
	}
	return nil
}

// Uninstall stops the unit and removes it. One that is not there is fine.
func (m *Manager) Uninstall(ctx context.Context, u Unit) (found bool, err error) {
	if err := m.Available(); err != nil {
		return false, err
	}
	if _, err := os.Stat(m.Path(u)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if _, err := m.systemctl(ctx, "disable", "--now", u.File()); err != nil {
		return true, err
	}
	if err := os.Remove(m.Path(u)); err != nil {
		return true, fmt.Errorf("removing the unit: %w", err)
	}
	_, err = m.systemctl(ctx, "daemon-reload")
	return true, err
}

// State is how systemd sees a unit.
type State struct {
	// Load is "not-found" where there is none; Enabled whether it starts at boot.
	Load, Enabled string
	// Active and Sub are, for instance, "active" and "running"; Since is when that began.
	Active, Sub, Since string
}

// State asks how a unit is.
func (m *Manager) State(ctx context.Context, u Unit) (State, error) {
	if err := m.Available(); err != nil {
		return State{}, err
	}
	out, err := m.systemctl(ctx, "show", u.File(), "--property=LoadState,UnitFileState,ActiveState,SubState,StateChangeTimestamp")
	if err != nil {
		return State{}, err
	}
	return parseState(out), nil
}

func parseState(properties string) State {
	var s State
	for line := range strings.Lines(properties) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "LoadState":
			s.Load = value
		case "UnitFileState":
			s.Enabled = value
		case "ActiveState":
			s.Active = value
		case "SubState":
			s.Sub = value
		case "StateChangeTimestamp":
			s.Since = value
		}
	}
	return s
}

// systemctl runs a command of systemctl and returns what it says.
func (m *Manager) systemctl(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "systemctl", args...)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}
