package local

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// readOnly is the flag of a mount that nobody writes through.
const readOnly = unix.MS_RDONLY

// knownFlags are the options of a mount that a bind mount can have for itself.
var knownFlags = map[string]uintptr{
	"ro": unix.MS_RDONLY, "rw": 0, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME,
}

// mountFlags are mount options as the kernel has them.
func mountFlags(options []string) (flags uintptr, err error) {
	for _, option := range options {
		flag, known := knownFlags[option]
		if !known {
			return 0, fmt.Errorf("mount option %q is not supported: a directory is mounted, with ro, nosuid, nodev, noexec, noatime, nodiratime or relatime", option)
		}
		flags |= flag
	}
	return flags, nil
}

// mountAt mounts a directory at another.
func mountAt(dir, target string) error {
	if err := unix.Mount(dir, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", dir, target, err)
	}
	return nil
}

// remount gives a mount its flags, which a bind mount has from what it is of at first.
func remount(target string, flags uintptr) error {
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|flags, ""); err != nil {
		return fmt.Errorf("remounting %s: %w", target, err)
	}
	return nil
}

// unmount unmounts what is mounted at a directory, several times if it was. Where nothing is, or no directory, that is no error.
func unmount(target string) error {
	for {
		switch err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW); {
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
			return nil
		case err != nil:
			return fmt.Errorf("unmounting %s: %w", target, err)
		}
	}
}

// targetsOf are the directories at which a directory is mounted, in this process' view of the machine. A mount is known by the device
// and the path on it, wherever the file system itself is mounted.
func targetsOf(dir string) ([]string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("looking where a volume is mounted: %w", err)
	}
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	own, path := ownOf(mounts, real)
	var at []string
	for _, m := range mounts {
		if m.device == own.device && m.root == path {
			at = append(at, m.target)
		}
	}
	return at, nil
}

// ownOf is the mount that a path is on, and what the path is called on its device.
func ownOf(mounts []mount, path string) (own mount, onDevice string) {
	for _, m := range mounts {
		if m.target != path && (m.target == "/" || strings.HasPrefix(path, m.target+"/")) && len(m.target) >= len(own.target) {
			own = m // of several at one place the last one hides the others
		}
	}
	rest := strings.TrimPrefix(path, strings.TrimSuffix(own.target, "/"))
	return own, filepath.Join(own.root, rest)
}

// mount is a line of mountinfo: proc_pid_mountinfo(5).
type mount struct{ device, root, target string }

func readMounts() ([]mount, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	var mounts []mount
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 5 {
			mounts = append(mounts, mount{fields[2], unescape.Replace(fields[3]), unescape.Replace(fields[4])})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	return mounts, nil
}

// unescape undoes the kernel's spelling of blanks in paths.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
