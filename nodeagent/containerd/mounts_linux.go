package containerd

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mount is a line of /proc/self/mountinfo, as far as we use it.
type mount struct {
	point  string
	shared bool
}

// mounts lists what is mounted, in the order of mounting.
func mounts() ([]mount, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var all []mount
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20) // an overlay of many layers is a long line
	for lines.Scan() {
		m, err := parseMount(lines.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, lines.Err()
}

// parseMount reads a line: proc_pid_mountinfo(5). The optional fields begin with the seventh and end with a hyphen.
func parseMount(line string) (mount, error) {
	fields := strings.Fields(line)
	end := slices.Index(fields, "-")
	if len(fields) < 7 || end < 6 {
		return mount{}, fmt.Errorf("a line of /proc/self/mountinfo has an unknown form: %q", line)
	}
	shared := slices.ContainsFunc(fields[6:end], func(f string) bool { return strings.HasPrefix(f, "shared:") })
	return mount{point: unescape.Replace(fields[4]), shared: shared}, nil
}

// unescape undoes what the kernel does to a path.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// shareMounts makes dir, and makes it a shared mount unless it lies in one already: what is mounted in it is then seen by
// containers that asked for mount propagation. Where the host's root is shared, as systemd has it, there is nothing to do.
func shareMounts(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making directory %s: %w", dir, err)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	all, err := mounts()
	if err != nil {
		return fmt.Errorf("listing mounts: %w", err)
	}
	if holding(all, dir).shared {
		return nil
	}
	if holding(all, dir).point != dir {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("binding %s to itself: %w", dir, err)
		}
	}
	if err := unix.Mount("", dir, "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("sharing the mounts of %s: %w", dir, err)
	}
	return nil
}

// holding is the mount that a path lies in: the last of the longest.
func holding(all []mount, path string) mount {
	var best mount
	for _, m := range all {
		if within(path, m.point) && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return best
}

// within says whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// Unmount detaches everything that is mounted in or below dir, the latest first. It goes by what the kernel says: dir itself may
// have been removed.
func Unmount(dir string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	all, err := mounts()
	if err != nil {
		return fmt.Errorf("listing mounts: %w", err)
	}
	for _, m := range slices.Backward(all) {
		if !within(m.point, dir) {
			continue
		}
		if err := unix.Unmount(m.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && err != unix.EINVAL && err != unix.ENOENT {
			return fmt.Errorf("unmounting %s: %w", m.point, err)
		}
	}
	return nil
}
