package memory

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
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
	return returnFile(program)
}

// returnFile takes the pages of a file out of the process's memory that are as they are in the file. What cannot be written any more
// may have been before: the loader of a program that is linked dynamically writes addresses into it, and protects them.
func returnFile(path string) error {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("reading what is mapped: %w", err)
	}
	mappings, err := parseMappings(bytes.NewReader(maps))
	if err != nil {
		return fmt.Errorf("reading what is mapped: %w", err)
	}
	for _, m := range mappings {
		if m.path != path || m.writable || m.changed {
			continue
		}
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); failed != 0 {
			return fmt.Errorf("giving back pages of %s at %x: %w", path, m.from, failed)
		}
	}
	return nil
}

// mapping is a part of a file, or of none, in the process's memory.
type mapping struct {
	from, to uintptr
	writable bool
	// changed says that some page is not as it is in the file, or that the kernel does not tell.
	changed bool
	path    string
}

// parseMappings reads /proc/PID/smaps: a line for each mapping, followed by one for each figure about it.
func parseMappings(smaps io.Reader) ([]mapping, error) {
	var mappings []mapping
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		name, figure, of := strings.Cut(lines.Text(), ":")
		if !of || strings.Contains(name, " ") {
			m, err := parseMapping(lines.Text())
			if err != nil {
				return nil, err
			}
			mappings = append(mappings, m)
			continue
		}
		if name == "Anonymous" && len(mappings) > 0 {
			mappings[len(mappings)-1].changed = strings.TrimSpace(figure) != "0 kB"
		}
	}
	return mappings, lines.Err()
}

// parseMapping reads the line of a mapping: "00400000-04773000 r-xp 00000000 00:1f 4711    /bin/orrery".
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
	return mapping{
		from: uintptr(from), to: uintptr(to), writable: strings.Contains(fields[1], "w"), changed: true, path: strings.Join(fields[5:], " "),
	}, nil
}
