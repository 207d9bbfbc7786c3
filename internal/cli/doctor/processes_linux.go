package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What of the machine's processes matters: which of them listen on our ports, and which are an instance's.

// kubeletPort is where a node agent serves, unless it is taken.
const kubeletPort = 10250

func portsTaken(q Question) []Port {
	if q.Instance.Running {
		return nil
	}
	wanted := []int{q.Instance.Port}
	if q.Containers {
		wanted = append(wanted, kubeletPort)
	}
	listeners := map[int]string{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a kernel without IPv6, for one
		}
		for port, inode := range parseListeners(string(text)) {
			listeners[port] = inode
		}
	}
	var taken []Port
	for _, port := range wanted {
		if inode, used := listeners[port]; used {
			taken = append(taken, Port{port, holderOf("socket:[" + inode + "]")})
		}
	}
	return taken
}

// holderOf names the process that has a socket open; empty if it cannot be seen.
func holderOf(socket string) string {
	for _, pid := range processes() {
		files, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "fd"))
		if err != nil {
			continue // it is somebody else's, or has ended
		}
		for _, file := range files {
			if to, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "fd", file.Name())); err == nil && to == socket {
				name, err := textOf(filepath.Join("/proc", strconv.Itoa(pid), "comm"), strings.TrimSpace)
				if err != nil {
					return fmt.Sprintf("process %d", pid)
				}
				return fmt.Sprintf("%s (process %d)", name, pid)
			}
		}
	}
	return ""
}

// processes are the ids of all processes.
func processes() []int {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(dir.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// clockTicks is how many ticks of a second the kernel counts for people, on every architecture that Go has.
const clockTicks = 100

// ageOf is how long a process has run, by a clock that nobody can set.
func ageOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	return age(string(stat), string(uptime))
}

// age is what /proc/PID/stat and /proc/uptime say together.
func age(stat, uptime string) (time.Duration, error) {
	// The name before may have blanks and brackets.
	words, up := strings.Fields(stat[strings.LastIndex(stat, ")")+1:]), strings.Fields(uptime)
	const startTime = 22 - 3 // of the fields behind the name, the first of which is the third
	if len(words) <= startTime || len(up) == 0 {
		return 0, fmt.Errorf("reading the age of a process from %q", stat)
	}
	began, err := strconv.ParseInt(words[startTime], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the start of a process: %w", err)
	}
	running, err := strconv.ParseFloat(up[0], 64)
	if err != nil {
		return 0, fmt.Errorf("reading the machine's uptime: %w", err)
	}
	return time.Duration(running*float64(time.Second)) - time.Duration(began)*time.Second/clockTicks, nil
}

// seeLeftovers looks for traces of an instance, but for what some processes leave: this one and the instance itself.
func seeLeftovers(t Traces, tables []Table, but ...int) (Leftovers, error) {
	var l Leftovers
	mounts, err := textOf("/proc/self/mountinfo", parseMounts)
	if err != nil {
		return l, err
	}
	for _, m := range mounts {
		if slices.ContainsFunc(t.Dirs, func(dir string) bool { return m.point == dir || strings.HasPrefix(m.point, dir+"/") }) {
			l.Mounts = append(l.Mounts, m.point)
		}
		if m.filesystem == "cgroup" || m.filesystem == "cgroup2" {
			for _, root := range t.CgroupRoots {
				if _, err := os.Stat(m.point + root); err == nil {
					l.Cgroups = append(l.Cgroups, m.point+root)
				}
			}
		}
	}
	for _, device := range t.Devices {
		if _, err := os.Stat(filepath.Join("/sys/class/net", device)); err == nil {
			l.Devices = append(l.Devices, device)
		}
	}
	for _, table := range tables {
		if slices.Contains(t.Tables, table.Name) {
			l.Tables = append(l.Tables, table)
		}
	}
	l.Processes = slices.DeleteFunc(processes(), func(pid int) bool { return slices.Contains(but, pid) || !belongs(pid, t) })
	return l, nil
}

// belongs reports that a process is the runtime's or a container's: its command line names a directory of the instance, or it
// is in a control group of its.
func belongs(pid int, t Traces) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return false // it has ended
	}
	for argument := range strings.SplitSeq(string(line), "\x00") {
		for _, of := range t.Dirs {
			if strings.HasPrefix(argument, filepath.Join(of, "containerd")) {
				return true
			}
		}
	}
	groups, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	return err == nil && slices.ContainsFunc(t.CgroupRoots, func(root string) bool { return strings.Contains(string(groups), ":"+root+"/") })
}
