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

// processes are the control plane's process and those that descend from it, as containerd does. A container's processes are
// not among them: their shims have left the family.
func (p *plane) processes() ([]int, error) {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, entry := range entries {
		fields, pid, err := stat(entry)
		if err != nil {
			continue // it has ended since
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", entry, err)
		}
		children[parent] = append(children[parent], pid)
	}
	family := []int{p.process.Process.Pid}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family, nil
}

// cpuTime is the processor time that the processes have used.
func (p *plane) cpuTime() (time.Duration, error) {
	processes, err := p.processes()
	if err != nil {
		return 0, err
	}
	var ticks int
	for _, pid := range processes {
		fields, _, err := stat(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended since
		}
		for _, field := range fields[11:13] { // utime and stime
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, fmt.Errorf("reading the times of process %d: %w", pid, err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory is the proportional set size of the processes: what shares a page shares its cost.
func (p *plane) memory() (uint64, error) {
	processes, err := p.processes()
	if err != nil {
		return 0, err
	}
	var sum uint64
	for _, pid := range processes {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended since
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			if kilobytes, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
				n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(kilobytes, "kB")), 10, 64)
				if err != nil {
					return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
				}
				sum += n * 1024
			}
		}
	}
	return sum, nil
}

// stat reads the fields of a process's stat file from the state on; the name before them may have spaces.
func stat(file string) (fields []string, pid int, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	head, tail, ok := strings.Cut(string(data), " (")
	end := strings.LastIndex(tail, ") ")
	if !ok || end < 0 {
		return nil, 0, fmt.Errorf("reading %s: it has another form", file)
	}
	pid, err = strconv.Atoi(head)
	return strings.Fields(tail[end+2:]), pid, err
}
