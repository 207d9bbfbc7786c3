package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// nftPatience is how long nft has to list the chains of all tables.
const nftPatience = 5 * time.Second

func (m *Machine) observe(ctx context.Context, q Question) {
	m.Distribution = saw(textOf("/etc/os-release", parseDistribution))
	m.Kernel = saw(textOf("/proc/sys/kernel/osrelease", strings.TrimSpace))
	m.Nft = saw(seeNft(ctx))
	m.Cgroups = saw(seeCgroups())
	m.Overlay = saw(seeOverlay(m.Kernel.Value))
	m.UserNamespaces = saw(numberIn("/proc/sys/user/max_user_namespaces"))
	m.Capabilities = saw(field("/proc/self/status", "CapEff", 16))

	m.InotifyInstances = saw(setting("/proc/sys/fs/inotify/max_user_instances"))
	m.InotifyWatches = saw(setting("/proc/sys/fs/inotify/max_user_watches"))
	m.PIDs = saw(seePIDs())
	m.Files = saw(openFiles())
	m.Memory = saw(seeMemory())

	m.Forwarding = saw(setting("/proc/sys/net/ipv4/ip_forward"))
	m.ForwardingIPv6 = saw(setting("/proc/sys/net/ipv6/conf/all/forwarding"))
	m.ReversePath = saw(numberIn("/proc/sys/net/ipv4/conf/all/rp_filter"))
	m.Routes = saw(seeRoutes())
	m.Resolvers = saw(textOf("/etc/resolv.conf", parseResolvers))
	if errors.Is(m.Resolvers.Err, fs.ErrNotExist) {
		m.Resolvers = saw[[]netip.Addr](nil, nil)
	}
	m.Ports = saw(portsTaken(q), nil)

	m.Clock = saw(seeClock(q, m.Now))
	m.Leftovers = saw(seeLeftovers(q.Traces, m.Nft.Value.Tables, os.Getpid(), q.PID))
}

// textOf reads a file as parse does.
func textOf[T any](path string, parse func(string) T) (T, error) {
	text, err := os.ReadFile(path)
	return parse(string(text)), err
}

func numberIn(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	value, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return value, nil
}

func setting(path string) (Setting, error) {
	value, err := numberIn(path)
	return Setting{value, unix.Access(path, unix.W_OK) == nil}, err
}

func field(path, name string, base int) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return fieldOf(string(text), name, base)
}

func seeNft(ctx context.Context) (Nft, error) {
	program, err := exec.LookPath("nft")
	if err != nil {
		return Nft{}, nil // that there is none is what was to be seen
	}
	ctx, cancel := context.WithTimeout(ctx, nftPatience)
	defer cancel()
	said, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return Nft{}, fmt.Errorf("asking %s for its version: %w", program, err)
	}
	n := Nft{Version: parseNftVersion(string(said))}
	var complaint strings.Builder
	list := exec.CommandContext(ctx, program, "-j", "list", "chains")
	list.Stderr = &complaint
	chains, err := list.Output()
	if err != nil {
		n.Broken = strings.TrimSpace(complaint.String())
		if n.Broken == "" {
			n.Broken = err.Error()
		}
		return n, nil // that it does not work is what was to be seen
	}
	n.Tables, n.Refusing, err = parseChains(chains)
	return n, err
}

func seeCgroups() (Cgroups, error) {
	mounts, err := textOf("/proc/self/mountinfo", parseMounts)
	if err != nil {
		return Cgroups{}, err
	}
	c, v2 := cgroupsOf(mounts)
	if v2 == "" {
		return c, nil
	}
	offered, err := os.ReadFile(filepath.Join(v2, "cgroup.controllers"))
	c.Controllers = append(c.Controllers, strings.Fields(string(offered))...)
	return c, err
}

// seeOverlay looks for overlayfs in the kernel, and among its modules: it is loaded when it is mounted first.
func seeOverlay(kernel string) (bool, error) {
	loaded, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return false, err
	}
	if strings.Contains(string(loaded), "\toverlay\n") {
		return true, nil
	}
	modules, err := filepath.Glob("/lib/modules/" + kernel + "/kernel/fs/overlayfs/overlay.ko*")
	return len(modules) > 0, err
}

func seePIDs() (PIDs, error) {
	most, err := numberIn("/proc/sys/kernel/pid_max")
	if err != nil {
		return PIDs{}, err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return PIDs{}, err
	}
	now, err := parseThreads(string(load))
	return PIDs{now, most}, err
}

func seeMemory() (Memory, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return Memory{}, err
	}
	total, err := fieldOf(string(text), "MemTotal", 10)
	if err != nil {
		return Memory{}, err
	}
	available, err := fieldOf(string(text), "MemAvailable", 10)
	const kibibyte = 1024
	return withinLimit(Memory{available * kibibyte, total * kibibyte}), err
}

// withinLimit is what the control group of a container that we are in leaves of the machine's memory.
func withinLimit(m Memory) Memory {
	for limit, used := range map[string]string{
		"/sys/fs/cgroup/memory.max":                   "/sys/fs/cgroup/memory.current",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes": "/sys/fs/cgroup/memory/memory.usage_in_bytes",
	} {
		most, err := numberIn(limit)
		if err != nil || uint64(most) >= m.Total {
			continue // there is none
		}
		now, err := numberIn(used)
		if err != nil {
			continue
		}
		m.Total = uint64(most)
		m.Available = min(m.Available, uint64(max(most-now, 0)))
	}
	return m
}

func seeRoutes() ([]Route, error) {
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil, err
	}
	return parseRoutes(string(text))
}

// unsynchronized is the bit of the kernel's clock status that says that nobody keeps it right.
const unsynchronized = unix.STA_UNSYNC

func seeClock(q Question, now time.Time) (Clock, error) {
	c := Clock{NewestFile: newest(ours(q.Instance.Dir)...)}
	var state unix.Timex
	if _, err := unix.Adjtimex(&state); err != nil {
		return c, fmt.Errorf("asking the kernel for its clock: %w", err)
	}
	c.Synchronized = state.Status&unsynchronized == 0
	if q.PID == 0 {
		return c, nil
	}
	age, err := ageOf(q.PID)
	if err != nil {
		return c, err
	}
	c.Jumped = now.Sub(q.Since) - age
	return c, nil
}

// filesystems are the kinds that matter to us, and the most common ones, by their magic numbers.
var filesystems = map[int64]string{
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs", unix.ECRYPTFS_SUPER_MAGIC: "ecryptfs",
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs",
}

func filesystemOf(s *unix.Statfs_t) string { return filesystems[int64(s.Type)] } //nolint:unconvert // it is of another size on other machines
