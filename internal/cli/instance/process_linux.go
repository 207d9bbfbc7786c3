package instance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder is the process that holds a lock file, found by looking at what each process has open: so it is found also where the
// file was removed under it, and nobody has to have written down who it is. It is 0 if there is none, or none that we may look at.
// Who lives in another mount namespace means another file by the same path.
func holder(lock string) int {
	lock = resolved(lock)
	opened, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, fd := range opened {
		target, err := os.Readlink(fd)
		if err != nil || strings.TrimSuffix(target, " (deleted)") != lock {
			continue
		}
		process := filepath.Dir(filepath.Dir(fd))
		pid, err := strconv.Atoi(filepath.Base(process))
		if err == nil && pid != os.Getpid() && locked(process, filepath.Base(fd)) && sameMounts(process) {
			return pid
		}
	}
	return 0
}

// locked says whether a process holds the lock of a file that it has open: proc_pid_fdinfo(5).
func locked(process, fd string) bool {
	info, err := os.ReadFile(filepath.Join(process, "fdinfo", fd))
	return err == nil && bytes.Contains(info, []byte("FLOCK")) && bytes.Contains(info, []byte("WRITE"))
}

func sameMounts(process string) bool {
	theirs, err := os.Readlink(filepath.Join(process, "ns", "mnt"))
	if err != nil {
		return false
	}
	ours, err := os.Readlink("/proc/self/ns/mnt")
	return err == nil && theirs == ours
}

// resolved is a path without symbolic links, as far as it exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	return filepath.Join(resolved(dir), filepath.Base(path))
}

// suspended says whether the process that runs the instance was stopped by a signal, and so does nothing.
func (i *Instance) suspended() bool {
	state := stateOf(i.PID())
	return state == 'T' || state == 't'
}

// ended says whether there is no such process any more, but perhaps its exit code, which nobody has asked for yet.
func ended(pid int) bool {
	state := stateOf(pid)
	return state == 0 || state == 'Z' || state == 'X'
}

// stateOf is the state of a process: proc_pid_stat(5); 0 if there is none.
func stateOf(pid int) byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	if !found || len(after) == 0 {
		return 0
	}
	return after[0]
}
