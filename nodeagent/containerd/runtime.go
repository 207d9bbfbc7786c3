package containerd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/orrery-dev/orrery/nodeagent/images"
)

// Options say where a runtime lives and what it uses.
type Options struct {
	// Dir holds what lasts: images, configuration and log. It is made when missing.
	Dir string
	// Programs is the directory with containerd, containerd-shim-runc-v2, ctr and runc, and with the CNI plugins in cni/.
	// `make runtime` builds bin/runtime.
	Programs string
	// CNIConfDir is where the network's configuration is or will be. The runtime notices changes.
	CNIConfDir string
	// SandboxImage is the first container of every pod. Empty means images.Pause.
	SandboxImage string
	// RegistryDirs are directories that say how registries are reached: through which mirrors, with which authority. Each holds a
	// directory for a registry, of its name, with a hosts.toml as https://github.com/containerd/containerd/blob/main/docs/hosts.md has
	// it, which is read at each pull. Those of the host, /etc/containerd/certs.d and /etc/docker/certs.d, come after them.
	RegistryDirs []string
	// CgroupRoot is the cgroup below which the node agent places all its pods, such as "/orrery-home". The runtime does not
	// make it; Reset removes it, with every process in it. Empty means that Reset knows of none.
	CgroupRoot string
	// SharedDirs are directories, of volumes for example, whose mounts containers may be meant to see (mount propagation). They
	// are made, and become shared mounts where the host's are private.
	SharedDirs []string
	// Log gets the supervisor's own messages. containerd writes to LogFile. The zero value discards them.
	Log logr.Logger `json:"-"`
}

// Runtime is one containerd and what belongs to it. New makes it, Run runs it.
type Runtime struct {
	options Options
	run     string // the run directory
	log     logr.Logger

	begin sync.Once
	begun chan struct{} // closed when Run has started its first child

	mu     sync.Mutex
	status Status
}

// Status tells a person about the child process.
type Status struct {
	// PID is the running containerd, or 0.
	PID int
	// Since is when the running one was started, or when the last one ended.
	Since time.Time
	// Restarts counts the times that it ended without being asked to.
	Restarts int
	// LastError is how the last one ended, or empty.
	LastError string
}

// programs are those that we need, by name.
var programs = []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "cni/bridge", "cni/host-local", "cni/loopback", "cni/portmap"}

var errNotLinux = errors.New("running containers needs Linux: choose the simulated runtime with --runtime simulated")

// New checks that containers can run here: root, and the programs. Nothing is started or written.
func New(o Options) (*Runtime, error) {
	r, err := At(o)
	if err != nil {
		return nil, err
	}
	return r, r.complete()
}

// At is the runtime of a directory as it was left there, for Halt and Reset. It may lack what New demands: programs, and even the
// directory.
func At(o Options) (*Runtime, error) {
	if goruntime.GOOS != "linux" {
		return nil, errNotLinux
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("running containers needs root: run as root, or choose the simulated runtime with --runtime simulated")
	}
	for _, dir := range []*string{&o.Dir, &o.Programs, &o.CNIConfDir} {
		absolute, err := filepath.Abs(*dir)
		if err != nil {
			return nil, fmt.Errorf("finding directory %s: %w", *dir, err)
		}
		*dir = absolute
	}
	if o.SandboxImage == "" {
		o.SandboxImage = images.Pause
	}
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	return &Runtime{options: o, run: RunDir(o.Dir), log: o.Log, begun: make(chan struct{})}, nil
}

// complete says which program is missing.
func (r *Runtime) complete() error {
	for _, name := range programs {
		if info, err := os.Stat(filepath.Join(r.options.Programs, name)); err != nil || info.Mode()&0o111 == 0 {
			return fmt.Errorf("the container runtime is incomplete: %s is not in %s: run `make runtime`", name, r.options.Programs)
		}
	}
	return nil
}

// RunDir is the run directory of the runtime whose Options.Dir is dir, an absolute path. It is short, because the kernel limits the
// path of a socket to 107 bytes, and different for each Dir.
func RunDir(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/run/orrery", hex.EncodeToString(sum[:6]))
}

// Endpoint is where CRI is served: "unix:///run/orrery/.../containerd.sock".
func (r *Runtime) Endpoint() string { return "unix://" + r.socket() }

// Images loads and lists images of this runtime.
func (r *Runtime) Images() *images.Store {
	return &images.Store{Endpoint: r.Endpoint(), Program: filepath.Join(r.options.Programs, "ctr")}
}

// Status tells how the child is.
func (r *Runtime) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// LogFile is where containerd writes what it has to say. It is set aside as LogFile.1 when it is large at a start.
func (r *Runtime) LogFile() string { return filepath.Join(r.options.Dir, "containerd.log") }

func (r *Runtime) socket() string     { return filepath.Join(r.run, "containerd.sock") }
func (r *Runtime) configFile() string { return filepath.Join(r.options.Dir, "config.toml") }

// environment is what containerd, and through it the shims and CNI plugins, find: our programs first, then the system's, such as
// nft. Variables that are meant for the control plane itself are kept back: by some systemd would take containerd for the service,
// by others containerd would send traces of its own.
func (r *Runtime) environment() []string {
	path := r.options.Programs + ":" + os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
	env := []string{"PATH=" + path}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name != "PATH" && name != "NOTIFY_SOCKET" && !strings.HasPrefix(name, "LISTEN_") && !strings.HasPrefix(name, "OTEL_") {
			env = append(env, variable)
		}
	}
	return env
}

// WaitReady returns when the runtime that Run has started answers and says that it can run containers, or, when ctx ends, with what
// it last said. One that a former control plane left behind does not count.
func (r *Runtime) WaitReady(ctx context.Context) error {
	select {
	case <-r.begun:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the container runtime to be started (last error: %q): %w", r.Status().LastError, ctx.Err())
	}
	if err := waitReady(ctx, r.Endpoint()); err != nil {
		return fmt.Errorf("waiting for the container runtime (its log is %s): %w", r.LogFile(), err)
	}
	return nil
}
