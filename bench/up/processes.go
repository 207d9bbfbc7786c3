package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go supports.
const ticksPerSecond = 100

// memory is what processes have resident, in bytes: proportional set size, so that what shares a page shares its cost.
type memory map[string]uint64 // by the name of the program

// containerds is what containerd has, in MiB; own is what all others have.
func (m memory) containerds() float64 { return float64(m[containerdRuntime]) / (1 << 20) }
func (m memory) own() (sum float64) {
	for name, size := range m {
		if name != containerdRuntime {
			sum += float64(size) / (1 << 20)
		}
	}
	return sum
}

// process is one of a control plane's.
type process struct {
	pid  int
	name string
}

// processes are those that were started and those that descend from them, as containerd does. A container's processes are
// not among them: their shims have left the family.
func (p *plane) processes() ([]process, error) {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children, names := map[int][]int{}, map[int]string{}
	for _, entry := range entries {
		s, err := readStat(entry)
		if err != nil {
			continue // it has ended since
		}
		parent, err := strconv.Atoi(s.fields[1])
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry, err)
		}
		children[parent] = append(children[parent], s.pid)
		names[s.pid] = s.name
	}
	family := p.pids()
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	all := make([]process, len(family))
	for i, pid := range family {
		all[i] = process{pid, names[pid]}
	}
	return all, nil
}

// cpuTime is the processor time that the processes have used.
func (p *plane) cpuTime() (time.Duration, error) {
	processes, err := p.processes()
	if err != nil {
		return 0, err
	}
	var ticks int
	for _, process := range processes {
		s, err := readStat(fmt.Sprintf("/proc/%d/stat", process.pid))
		if err != nil {
			continue // it has ended since
		}
		for _, field := range s.fields[11:13] { // utime and stime
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("reading the times of process %d: %w", process.pid, err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory is what the processes have resident.
func (p *plane) memory() (memory, error) {
	processes, err := p.processes()
	if err != nil {
		return nil, err
	}
	sizes := memory{}
	for _, process := range processes {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", process.pid))
		if err != nil {
			continue // it has ended since
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			if kilobytes, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
				n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(kilobytes, "kB")), 10, 64)
				if err != nil {
					return nil, fmt.Errorf("reading the memory of process %d: %w", process.pid, err)
				}
				sizes[process.name] += n * 1024
			}
		}
	}
	return sizes, nil
}

// stat is what the kernel says of a process: the fields are those from its state on.
type stat struct {
	pid    int
	name   string
	fields []string
}

// readStat reads a process's stat file. Its name may have spaces and parentheses.
func readStat(file string) (stat, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return stat{}, err
	}
	head, tail, ok := strings.Cut(string(data), " (")
	end := strings.LastIndex(tail, ") ")
	if !ok || end < 0 {
		return stat{}, fmt.Errorf("reading %s: it has another form", file)
	}
	pid, err := strconv.Atoi(head)
	return stat{pid: pid, name: tail[:end], fields: strings.Fields(tail[end+2:])}, err
}
