package volumes

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mount puts a file system that is nowhere else onto a directory, as options describe it.
func mount(kind, path, options string) error {
	return unix.Mount(kind, path, kind, 0, options)
}

// isMounted says whether a file system is mounted on the directory itself.
func isMounted(path string) (bool, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, fmt.Errorf("resolving %s: %w", path, err)
	}
	mounted, err := mountsBelow(real)
	return slices.Contains(mounted, real), err
}

// unmountBelow unmounts all below a directory, the innermost first.
func unmountBelow(dir string) error {
	mounted, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(mounted) {
		if err := unix.Unmount(path, unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmounting %s: %w", path, err)
		}
	}
	return nil
}

// mountsBelow lists the mount points at or below a directory, in the order in which they were mounted.
func mountsBelow(dir string) ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	var found []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		path := unescape.Replace(fields[4])
		if path == dir || strings.HasPrefix(path, dir+"/") {
			found = append(found, path)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	return found, nil
}

// unescape undoes the kernel's spelling of blanks in paths.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
