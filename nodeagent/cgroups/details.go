package cgroups

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Details are all that is told of a group. What its kernel does not tell is missing, which a pointer that is nil says.
type Details struct {
	// CPU times are in nanoseconds.
	CPU, CPUUser, CPUSystem *uint64
	// Periods of enforcement of a CPU limit, those in which processes had to wait, and for how long they did, in nanoseconds.
	Periods, Throttled, ThrottledTime *uint64
	// Memory is in bytes; Failures is how often its limit was hit.
	Memory, WorkingSet, RSS, Cache, Mapped, Swap, MaxMemory, Failures *uint64
	// Faults and MajorFaults are page faults.
	Faults, MajorFaults *uint64
	// Processes are those in the group itself and below.
	Processes *uint64
	// Shares, Period (microseconds), Quota (microseconds in each) and MemoryLimit (bytes) are what it may use; nil means no limit.
	Shares, Period, Quota, MemoryLimit *uint64
}

// Details reads all that is told of a group; false, where there is no such group.
func (f *FS) Details(path string) (Details, bool) {
	if f.V2 {
		return detailsV2(filepath.Join(f.Mount, path))
	}
	return f.detailsV1(path)
}

func detailsV2(dir string) (d Details, ok bool) {
	cpu, err := readKeys(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return d, false
	}
	memory, _ := readKeys(filepath.Join(dir, "memory.stat")) // without the controller there are none
	events, _ := readKeys(filepath.Join(dir, "memory.events"))
	d = Details{
		CPU: scaled(cpu, "usage_usec", 1000), CPUUser: scaled(cpu, "user_usec", 1000), CPUSystem: scaled(cpu, "system_usec", 1000),
		Periods: scaled(cpu, "nr_periods", 1), Throttled: scaled(cpu, "nr_throttled", 1), ThrottledTime: scaled(cpu, "throttled_usec", 1000),
		RSS: scaled(memory, "anon", 1), Cache: scaled(memory, "file", 1), Mapped: scaled(memory, "file_mapped", 1),
		Faults: scaled(memory, "pgfault", 1), MajorFaults: scaled(memory, "pgmajfault", 1), Failures: scaled(events, "max", 1),
		Memory: readNumber(dir, "memory.current"), Swap: readNumber(dir, "memory.swap.current"), MaxMemory: readNumber(dir, "memory.peak"),
		Processes: readNumber(dir, "pids.current"), MemoryLimit: readNumber(dir, "memory.max"),
	}
	d.WorkingSet = without(d.Memory, memory["inactive_file"])
	if weight := readNumber(dir, "cpu.weight"); weight != nil && *weight > 0 {
		shares := 2 + (*weight-1)*262142/9999
		d.Shares = &shares
	}
	if text, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil {
		quota, period, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		d.Quota, d.Period = parseNumber(quota), parseNumber(period)
	}
	return d, true
}

func (f *FS) detailsV1(path string) (d Details, ok bool) {
	cpu, acct, mem := filepath.Join(f.Mount, "cpu", path), filepath.Join(f.Mount, "cpuacct", path), filepath.Join(f.Mount, "memory", path)
	memory, err := readKeys(filepath.Join(mem, "memory.stat"))
	if err != nil {
		return d, false
	}
	times, _ := readKeys(filepath.Join(acct, "cpuacct.stat")) // the hierarchy may not be mounted
	limits, _ := readKeys(filepath.Join(cpu, "cpu.stat"))
	d = Details{
		CPU: readNumber(acct, "cpuacct.usage"), CPUUser: scaled(times, "user", tick), CPUSystem: scaled(times, "system", tick),
		Periods: scaled(limits, "nr_periods", 1), Throttled: scaled(limits, "nr_throttled", 1), ThrottledTime: scaled(limits, "throttled_time", 1),
		RSS: scaled(memory, "total_rss", 1), Cache: scaled(memory, "total_cache", 1), Mapped: scaled(memory, "total_mapped_file", 1),
		Swap: scaled(memory, "total_swap", 1), Faults: scaled(memory, "total_pgfault", 1), MajorFaults: scaled(memory, "total_pgmajfault", 1),
		Memory: readNumber(mem, "memory.usage_in_bytes"), MaxMemory: readNumber(mem, "memory.max_usage_in_bytes"),
		Failures: readNumber(mem, "memory.failcnt"), MemoryLimit: readNumber(mem, "memory.limit_in_bytes"),
		Processes: readNumber(filepath.Join(f.Mount, "pids", path), "pids.current"),
		Shares:    readNumber(cpu, "cpu.shares"), Period: readNumber(cpu, "cpu.cfs_period_us"), Quota: readNumber(cpu, "cpu.cfs_quota_us"),
	}
	d.WorkingSet = without(d.Memory, memory["total_inactive_file"])
	if d.MemoryLimit != nil && *d.MemoryLimit > unlimited {
		d.MemoryLimit = nil
	}
	return d, true
}

const (
	// tick is in nanoseconds what the kernel counts CPU times of version 1 in.
	tick = 10_000_000
	// unlimited is less than what version 1 has for no limit of memory, which is the largest number of whole pages.
	unlimited = 1 << 62
)

// Process is one of the processes in a group or below it; false, where there is none.
func (f *FS) Process(path string) (pid int, ok bool) {
	dir := filepath.Join(f.Mount, path)
	if !f.V2 {
		dir = filepath.Join(f.Mount, "memory", path)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	return pid, err == nil
}

// scaled is a value of a file of keys, in another unit.
func scaled(keys map[string]uint64, key string, unit uint64) *uint64 {
	value, ok := keys[key]
	if !ok {
		return nil
	}
	value *= unit
	return &value
}

// readNumber reads a file with one number in it; nil, where it is not there, or says max or -1.
func readNumber(dir, name string) *uint64 {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	return parseNumber(strings.TrimSpace(string(text)))
}

func parseNumber(text string) *uint64 {
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil
	}
	return &value
}

func without(whole *uint64, part uint64) *uint64 {
	if whole == nil {
		return nil
	}
	rest := *whole - min(part, *whole)
	return &rest
}
