package stats

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// perSecond is in what the kernel tells CPU times to programs (USER_HZ), the same on all architectures that Go knows.
const perSecond = 100

// Proc is where a machine's kernel tells of it.
type Proc string

// MachineProc is this machine's.
const MachineProc Proc = "/proc"

// Usage is what the machine uses.
func (p Proc) Usage() (Usage, error) {
	stat, err := os.ReadFile(filepath.Join(string(p), "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the machine's CPU times: %w", err)
	}
	cpu, err := cpuTime(string(stat))
	if err != nil {
		return Usage{}, err
	}
	text, err := os.ReadFile(filepath.Join(string(p), "meminfo"))
	if err != nil {
		return Usage{}, fmt.Errorf("reading the machine's memory: %w", err)
	}
	memory := memoryInfo(string(text))
	if memory["MemTotal"] == 0 {
		return Usage{}, errors.New("reading the machine's memory: there is no MemTotal")
	}
	used := memory["MemTotal"] - min(memory["MemFree"], memory["MemTotal"])
	workingSet := used - min(memory["Inactive(file)"], used)
	return Usage{
		CPU: cpu, Memory: used, WorkingSet: workingSet, Available: memory["MemTotal"] - workingSet, RSS: memory["AnonPages"],
	}, nil
}

// Began is when the machine came up; the zero time where that cannot be read.
func (p Proc) Began() time.Time {
	stat, err := os.ReadFile(filepath.Join(string(p), "stat"))
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(stat)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "btime "); ok {
			if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
				return time.Unix(seconds, 0)
			}
		}
	}
	return time.Time{}
}

// cpuTime is the time, in nanoseconds, in which the machine's CPUs were busy: as the kernel counts it for the control group of all
// processes.
func cpuTime(stat string) (uint64, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	// cpu user nice system idle iowait irq softirq steal; what guests used is in user and nice.
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("reading the machine's CPU times: %q does not tell them", line)
	}
	var ticks uint64
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		each, err := strconv.ParseUint(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the machine's CPU times: %w", err)
		}
		ticks += each
	}
	return ticks * uint64(time.Second/perSecond), nil
}

// memoryInfo are the amounts in /proc/meminfo, in bytes.
func memoryInfo(text string) map[string]uint64 {
	found := map[string]uint64{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		amount, kilobytes := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		if value, err := strconv.ParseUint(amount, 10, 64); err == nil && kilobytes {
			found[name] = value << 10
		}
	}
	return found
}
