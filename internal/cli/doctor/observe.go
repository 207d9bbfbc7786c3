package doctor

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Question is what a machine is looked at for.
type Question struct {
	Instance Instance
	// Containers: it is to run containers.
	Containers bool
	// Programs is where the container runtime's programs are, or which is missing.
	Programs Seen[string]
	// Traces are how to tell what an instance has made outside of its directory.
	Traces Traces
	// PID is the process that runs the instance, and Since when that says it began; 0 where it does not run.
	PID   int
	Since time.Time
}

// Traces are the names of what an instance makes on a machine.
type Traces struct {
	// Dirs are directories below which its mounts are, and which its processes name.
	Dirs []string
	// CgroupRoots are the control groups of its nodes' pods, as in "/orrery-home".
	CgroupRoots []string
	Devices     []string
	// Tables are the names of its tables of nftables.
	Tables []string
}

// Observe looks at this machine. It changes nothing, and ends within seconds.
func Observe(ctx context.Context, q Question) Machine {
	m := Machine{
		Containers: q.Containers,
		Root:       os.Geteuid() == 0,
		Now:        time.Now(),
		Instance:   q.Instance,
		Programs:   q.Programs,
	}
	m.Disk = saw(diskAt(standing(q.Instance.Dir)))
	m.observe(ctx, q)
	return m
}

// standing is the closest directory to a path that is there.
func standing(path string) string {
	for path != filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		path = filepath.Dir(path)
	}
	return path
}

// newest is when the newest of some files was written; the zero time if there is none of them.
func newest(paths ...string) time.Time {
	var last time.Time
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// ours are files of an instance that are written as it runs, and this program.
func ours(dir string) []string {
	files := []string{filepath.Join(dir, "settings.json"), filepath.Join(dir, "pid"), filepath.Join(dir, "log", "orrery.log")}
	if self, err := os.Executable(); err == nil {
		files = append(files, self)
	}
	return files
}
