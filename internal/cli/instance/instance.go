package instance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// Instance is a named control plane on this machine, running or not.
type Instance struct {
	// Name tells it from others on the same machine.
	Name string
	// Dir is the absolute path of the directory with all its state.
	Dir string
}

// nameForm leaves room for what is made of a name: a bridge has 15 characters.
var nameForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$`)

// Open names the instance in a data directory. It does not touch the disk.
func Open(dataDir, name string) (*Instance, error) {
	if !nameForm.MatchString(name) {
		return nil, fmt.Errorf("--name %q: a name has 1 to 20 lower-case letters, digits and inner hyphens, as in %q", name, "orrery")
	}
	dir, err := filepath.Abs(filepath.Join(dataDir, name))
	if err != nil {
		return nil, fmt.Errorf("--data-dir %q: %w", dataDir, err)
	}
	return &Instance{Name: name, Dir: dir}, nil
}

// DefaultDataDir is /var/lib/orrery for root, and orrery below the user's data directory for anybody else.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/orrery"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "orrery")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "orrery")
	}
	return filepath.Join(home, ".local", "share", "orrery")
}

// ID is what is made on the machine in the instance's name: devices, cgroups, tables. It is the name, made different where
// the directory is not the usual one, so that equal names in two data directories do not meet.
func (i *Instance) ID() string {
	if filepath.Dir(i.Dir) == DefaultDataDir() {
		return i.Name
	}
	sum := sha256.Sum256([]byte(i.Dir))
	return i.Name + "-" + hex.EncodeToString(sum[:4])
}

// Kubeconfig is the path of the user's kubeconfig, which exists once the instance has started.
func (i *Instance) Kubeconfig() string { return filepath.Join(i.Dir, "kubeconfig") }

// Log is the path of the log of the process that runs the instance.
func (i *Instance) Log() string { return filepath.Join(i.Dir, "log", "orrery.log") }

// Path is the path of something in the instance's directory.
func (i *Instance) Path(elements ...string) string {
	return filepath.Join(append([]string{i.Dir}, elements...)...)
}

// Exists reports whether the instance was ever started.
func (i *Instance) Exists() bool {
	_, err := os.Stat(i.Dir)
	return err == nil
}

// Accessible says why this user cannot look into the instance's directory, if it exists, and what to do; nil if he can.
func (i *Instance) Accessible() error {
	_, err := os.ReadDir(i.Dir)
	if !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	advice := "run as root, or choose another with --data-dir"
	if os.Geteuid() == 0 {
		advice = "let root read it, or choose another with --data-dir"
	}
	return fmt.Errorf("data directory %s is somebody else's (%w): %s", i.Dir, err, advice)
}

// probeSize is how much of the disk has to be free, for a start to have a chance.
const probeSize = 1 << 20

// Prepare makes the instance's directory. The error says what to do where it cannot be written.
func (i *Instance) Prepare() error {
	if err := os.MkdirAll(i.Path("log"), 0o700); err != nil {
		return i.cannotWrite(err)
	}
	probe, err := os.CreateTemp(i.Dir, ".probe-*")
	if err != nil {
		return i.cannotWrite(err)
	}
	_, err = probe.Write(make([]byte, probeSize))
	err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return i.cannotWrite(err)
	}
	return nil
}

func (i *Instance) cannotWrite(err error) error {
	advice := "choose another with --data-dir"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk of data directory %s is full (%w): make room there, or choose another directory with --data-dir", i.Dir, err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		advice = "run as root, or choose one that you own with --data-dir"
	}
	return fmt.Errorf("data directory %s cannot be written (%w): %s", i.Dir, err, advice)
}
