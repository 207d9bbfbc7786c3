package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Usage is what the processes of a group use, and those of the groups below it.
type Usage struct {
	// CPU is the time that they have used, those that have ended as well, in nanoseconds.
	CPU uint64
	// Memory is theirs and what the kernel caches for them, in bytes; WorkingSet is that without what it could drop at once, and
	// RSS what belongs to nothing but them.
	Memory, WorkingSet, RSS uint64
	// Processes is how many there are, threads counted; 0 where that is not told.
	Processes uint64
}

// Usage reads what a group uses.
func (f *FS) Usage(path string) (Usage, error) {
	used, err := f.cpuUsage(path)
	if err != nil {
		return Usage{}, fmt.Errorf("reading the CPU usage of control group %s: %w", path, err)
	}
	memory, err := f.MemoryUsage(path)
	if err != nil {
		return Usage{}, err
	}
	file, inactive, rss := filepath.Join(f.Mount, "memory", path, "memory.stat"), "total_inactive_file", "total_rss"
	if f.V2 {
		file, inactive, rss = filepath.Join(f.Mount, path, "memory.stat"), "inactive_file", "anon"
	}
	stat, err := readKeys(file)
	if err != nil {
		return Usage{}, fmt.Errorf("reading the memory usage of control group %s: %w", path, err)
	}
	usage := Usage{CPU: used, Memory: uint64(max(memory, 0)), RSS: stat[rss]}
	usage.WorkingSet = usage.Memory - min(stat[inactive], usage.Memory)
	if all := readNumber(f.controller("pids", path), "pids.current"); all != nil {
		usage.Processes = *all
	}
	return usage, nil
}

// controller is the directory of a group in the hierarchy of a controller.
func (f *FS) controller(name, path string) string {
	if f.V2 {
		return filepath.Join(f.Mount, path)
	}
	return filepath.Join(f.Mount, name, path)
}

func (f *FS) cpuUsage(path string) (uint64, error) {
	if f.V2 {
		stat, err := readKeys(filepath.Join(f.Mount, path, "cpu.stat"))
		return stat["usage_usec"] * 1000, err
	}
	text, err := os.ReadFile(filepath.Join(f.Mount, "cpuacct", path, "cpuacct.usage"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// readKeys reads a file of lines with a key and a number each. Lines of another shape are left out.
func readKeys(file string) (map[string]uint64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		key, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value, err := strconv.ParseUint(number, 10, 64); err == nil {
			found[key] = value
		}
	}
	return found, nil
}
