package containerd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// overlayWorks tries to overlay two directories in dir, which is the only reliable way to know. A nil error means that it did.
func overlayWorks(dir string) error {
	scratch, err := os.MkdirTemp(dir, ".overlay-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // a scratch directory
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(scratch, name), 0o700); err != nil {
			return err
		}
	}
	merged := filepath.Join(scratch, "merged")
	layers := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", scratch)
	if err := unix.Mount("overlay", merged, "overlay", 0, layers); err != nil {
		return fmt.Errorf("overlaying directories in %s: %w", dir, err)
	}
	return unix.Unmount(merged, unix.MNT_DETACH)
}

// oomScoreIsRestricted says whether we may not lower a process's OOM score below our own, as pods' sandboxes ask for: root in a
// container often may not. runc would end with "can't get final child's PID from pipe: EOF" for every sandbox.
func oomScoreIsRestricted() (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(status)) {
		value, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		capabilities, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return false, fmt.Errorf("reading our capabilities: %w", err)
		}
		return capabilities&(1<<unix.CAP_SYS_RESOURCE) == 0, nil
	}
	return false, fmt.Errorf("reading our capabilities: no CapEff in /proc/self/status")
}

// inotifyInstances is how many watches on files one user may have: containerd, each agent and many programs in containers need
// some, and the kernel's default of 128 ends at a few dozen pods.
const inotifyInstances = 8192

// raiseLimits lifts a limit of the host that is too low for containers. Where it cannot be set, as inside a container, it stays.
func raiseLimits() error {
	const file = "/proc/sys/fs/inotify/max_user_instances"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	current, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || current >= inotifyInstances {
		return err
	}
	return os.WriteFile(file, []byte(strconv.Itoa(inotifyInstances)), 0o644)
}
