package memory

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// returnProgram takes the pages of the program's own file out of the process's memory. Those that only the start has needed stay
// out, and are the kernel's to forget; the others come back, from its cache, when they are next used.
func returnProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("finding the program: %w", err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("reading what is mapped: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		m, err := parseMapping(lines.Text())
		if err != nil {
			return fmt.Errorf("reading what is mapped: %w", err)
		}
		if m.path != program || m.writable {
			continue
		}
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); failed != 0 {
			return fmt.Errorf("giving back the program's pages at %x: %w", m.from, failed)
		}
	}
	return nil
}

// mapping is a part of a file, or of none, in the process's memory.
type mapping struct {
	from, to uintptr
	writable bool
	path     string
}

// parseMapping reads a line of /proc/PID/maps: "00400000-04773000 r-xp 00000000 00:1f 4711    /bin/orrery".
func parseMapping(line string) (mapping, error) {
	fields := strings.Fields(line)
	if len(fields) < 5 {
		return mapping{}, fmt.Errorf("line %q has another form", line)
	}
	first, last, _ := strings.Cut(fields[0], "-")
	from, err := strconv.ParseUint(first, 16, 64)
	if err != nil {
		return mapping{}, fmt.Errorf("line %q has another form: %w", line, err)
	}
	to, err := strconv.ParseUint(last, 16, 64)
	if err != nil {
		return mapping{}, fmt.Errorf("line %q has another form: %w", line, err)
	}
	return mapping{uintptr(from), uintptr(to), strings.Contains(fields[1], "w"), strings.Join(fields[5:], " ")}, nil
}
