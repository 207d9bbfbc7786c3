package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// controllers are the version 1 hierarchies that a pod's group is made in, as far as they are mounted.
var controllers = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio", "systemd", "hugetlb", "net_cls", "perf_event"}

// FS is the control group file system.
type FS struct {
	// Mount is where it is mounted: /sys/fs/cgroup.
	Mount string
	// V2 says that it is the unified hierarchy with controllers.
	V2 bool
	// root is the agent's own group.
	root string
}

// Unified says that version 2 is mounted.
func Unified(mount string) bool {
	_, err := os.Stat(filepath.Join(mount, "cgroup.controllers"))
	return err == nil
}

// Open finds out which version is mounted and makes the agent's own root group, such as /orrery.
func Open(mount, root string) (*FS, error) {
	f := &FS{Mount: mount, V2: Unified(mount), root: root}
	if err := f.Create(root, Limits{}); err != nil {
		return nil, err
	}
	return f, nil
}

// hierarchies are the directories that stand for the top group.
func (f *FS) hierarchies() []string {
	if f.V2 {
		return []string{f.Mount}
	}
	var found []string
	for _, controller := range controllers {
		dir := filepath.Join(f.Mount, controller)
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			found = append(found, real)
		}
	}
	return found
}

// Create makes a group with all groups above it, and sets its limits. One that is there is brought up to date.
func (f *FS) Create(path string, limits Limits) error {
	for _, top := range f.hierarchies() {
		dir := top
		for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
			if err := f.delegate(dir); err != nil {
				return err
			}
			parent := dir
			dir = filepath.Join(dir, part)
			if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
				return fmt.Errorf("making control group %s: %w", dir, err)
			}
			if err := inheritCPUSet(parent, dir); err != nil {
				return err
			}
		}
		if err := f.limit(dir, limits); err != nil {
			return err
		}
	}
	return nil
}

// delegate lets the groups below a version 2 group have controllers.
func (f *FS) delegate(dir string) error {
	if !f.V2 {
		return nil
	}
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the controllers of %s: %w", dir, err)
	}
	for _, controller := range strings.Fields(string(available)) {
		// Some controllers cannot be had below a group with processes; the others are set all the same.
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		if err != nil && !errors.Is(err, syscall.EBUSY) && !errors.Is(err, syscall.EOPNOTSUPP) {
			return fmt.Errorf("enabling controller %s in %s: %w", controller, dir, err)
		}
	}
	return nil
}

// inheritCPUSet gives a version 1 cpuset its parent's CPUs and memory nodes; it starts with none, and nothing can run in it.
func inheritCPUSet(parent, dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.TrimSpace(string(own)) != "" {
			continue // not a cpuset, or set already
		}
		inherited, err := os.ReadFile(filepath.Join(parent, name))
		if err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), inherited, 0o644); err != nil && !isV2(dir) {
			return fmt.Errorf("setting %s of %s: %w", name, dir, err)
		}
	}
	return nil
}

func isV2(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.controllers"))
	return err == nil
}

// Update changes the limits of a group that is there.
func (f *FS) Update(path string, limits Limits) error {
	for _, top := range f.hierarchies() {
		if err := f.limit(filepath.Join(top, path), limits); err != nil {
			return err
		}
	}
	return nil
}

// Enforce sets those limits of a group that there are, and leaves the others as they are.
func (f *FS) Enforce(path string, limits Limits) error {
	unlimited := f.values(Limits{})
	values := f.values(limits)
	for name, value := range values {
		if unlimited[name] == value {
			delete(values, name)
		}
	}
	found := false
	for _, top := range f.hierarchies() {
		dir := filepath.Join(top, path)
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		found = true
		if err := f.write(dir, values); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("limiting control group %s: it is not there", path)
	}
	return nil
}

// MemoryUsage is how much memory the processes of a group use together, in bytes, with what the kernel caches for them.
func (f *FS) MemoryUsage(path string) (int64, error) {
	file := filepath.Join(f.Mount, "memory", path, "memory.usage_in_bytes")
	if f.V2 {
		file = filepath.Join(f.Mount, path, "memory.current")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading the memory usage of a control group: %w", err)
	}
	usage, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", file, err)
	}
	return usage, nil
}

// limit writes those limits whose files the group has.
func (f *FS) limit(dir string, limits Limits) error { return f.write(dir, f.values(limits)) }

func (f *FS) write(dir string, values map[string]string) error {
	for name, value := range values {
		file := filepath.Join(dir, name)
		now, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(now)) == value {
			continue
		}
		if err := os.WriteFile(file, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting %s of %s to %s: %w", name, dir, value, err)
		}
	}
	return nil
}

// values are the contents of the files that stand for limits.
func (f *FS) values(limits Limits) map[string]string {
	values := map[string]string{"pids.max": "max"}
	if limits.Pids > 0 {
		values["pids.max"] = strconv.FormatInt(limits.Pids, 10)
	}
	if f.V2 {
		values["cpu.max"] = "max " + strconv.Itoa(period)
		values["memory.max"] = "max"
		if limits.Shares > 0 {
			values["cpu.weight"] = strconv.FormatUint(Weight(limits.Shares), 10)
		}
		if limits.Quota > 0 {
			values["cpu.max"] = fmt.Sprintf("%d %d", limits.Quota, limits.Period)
		}
		if limits.Memory > 0 {
			values["memory.max"] = strconv.FormatInt(limits.Memory, 10)
		}
	} else {
		values["cpu.cfs_quota_us"], values["memory.limit_in_bytes"] = "-1", "-1"
		if limits.Shares > 0 {
			values["cpu.shares"] = strconv.FormatUint(limits.Shares, 10)
		}
		if limits.Quota > 0 {
			values["cpu.cfs_quota_us"] = strconv.FormatInt(limits.Quota, 10)
		}
		if limits.Memory > 0 {
			values["memory.limit_in_bytes"] = strconv.FormatInt(limits.Memory, 10)
		}
	}
	return values
}

// Remove removes a pod's group with all below it, wherever under the agent's root it is. What still runs in it is killed: a runtime that was
// interrupted, or has forgotten a container, leaves processes behind. Until they have ended it fails, and is to be tried again.
func (f *FS) Remove(podUID string) error {
	for _, top := range f.hierarchies() {
		for _, class := range []string{"", "burstable", "besteffort"} {
			dir := filepath.Join(top, f.root, class, "pod"+podUID)
			if err := killAll(dir); err != nil {
				return err
			}
			if err := removeAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// killAll kills the processes of a group and all below it.
func killAll(dir string) error {
	return groups(dir, func(group string) error {
		procs, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			return nil //nolint:nilerr // what vanished meanwhile has no processes
		}
		for _, field := range strings.Fields(string(procs)) {
			pid, err := strconv.Atoi(field)
			if err != nil || pid <= 0 {
				continue // 0 is one of another PID namespace, which is not ours to see
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("killing process %d, which is left in control group %s: %w", pid, group, err)
			}
		}
		return nil
	})
}

// removeAll removes groups from the innermost to the outermost: their files cannot be removed, and need not be.
func removeAll(dir string) error {
	return groups(dir, func(group string) error {
		if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("removing control group %s: %w", group, err)
		}
		return nil
	})
}

// groups does something to a group and all below it, to the innermost first.
func groups(dir string, do func(group string) error) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // what vanished meanwhile is what was wanted
	})
	if err != nil {
		return fmt.Errorf("reading control group %s: %w", dir, err)
	}
	for _, group := range slices.Backward(dirs) {
		if err := do(group); err != nil {
			return err
		}
	}
	return nil
}
