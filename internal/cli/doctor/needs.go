package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What containers need at all.

func root(m Machine) []Finding {
	if m.Root {
		return well("running as root")
	}
	return fail("not running as root",
		"containers are made of namespaces, mounts and control groups, which only root can make",
		"sudo orrery up, or orrery up --runtime simulated")
}

// needed are the capabilities of Linux without which no pod starts, by their numbers.
var needed = map[string]uint{
	"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SETPCAP": 8,
	"CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27,
}

const capSysResource = 24

func capabilities(m Machine) []Finding {
	if !m.Root {
		return nil // that is the finding
	}
	return look(m.Capabilities, "the capabilities of this process", func(has uint64) []Finding {
		var missing []string
		for name, number := range needed {
			if has&(1<<number) == 0 {
				missing = append(missing, name)
			}
		}
		slices.Sort(missing)
		switch {
		case len(missing) > 0:
			return fail("root lacks "+strings.Join(missing, ", "),
				"no container can be made without",
				"docker run --privileged, or the same of whatever this machine is run by; or orrery up --runtime simulated")
		case has&(1<<capSysResource) == 0:
			return warn("root lacks CAP_SYS_RESOURCE",
				"no container's OOM score can be lowered and no limit raised: when memory runs out, important pods are killed like others",
				"docker run --cap-add SYS_RESOURCE, or the same of whatever this machine is run by")
		}
		return well("root has all capabilities that containers need")
	})
}

func programs(m Machine) []Finding {
	if err := m.Programs.Err; err != nil {
		return fail(err.Error(), "the node runs containers by programs of its own", "make runtime, or name another with --runtime-bin or --runtime-endpoint")
	}
	return well("%s", m.Programs.Value)
}

// The first versions in which nftables does what the service proxy and the pod network ask of it, as kube-proxy's nftables mode
// has them too.
var (
	firstNft    = []int{1, 0, 1}
	firstKernel = []int{5, 13}
)

func nft(m Machine) []Finding {
	found := look(m.Nft, "nftables", func(n Nft) []Finding {
		const why = "services and the pod network are tables of nftables"
		switch {
		case n.Version == "":
			return fail("there is no program nft", why, m.install("nftables"))
		case before(n.Version, firstNft):
			return fail("nft is "+n.Version+", and 1.0.1 is the first that will do", why, m.install("nftables"))
		case n.Broken != "" && m.Root:
			return fail("nft does not work: "+n.Broken, why, "modprobe nf_tables")
		}
		return well("nft is %s", n.Version)
	})
	return append(found, look(m.Kernel, "the version of the kernel", func(release string) []Finding {
		if before(release, firstKernel) {
			return warn("the kernel is "+release+", and 5.13 is the first whose nftables do all that services need",
				"some kinds of services may not be reachable", "use a newer kernel, or orrery up --runtime simulated")
		}
		return well("the kernel is %s", release)
	})...)
}

// install is the command that installs a package on this machine.
func (m Machine) install(what string) string {
	switch m.Distribution.Value {
	case "fedora", "rhel", "centos", "rocky", "almalinux", "amzn":
		return "dnf install " + what
	case "alpine":
		return "apk add " + what
	case "arch":
		return "pacman -S " + what
	case "opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles":
		return "zypper install " + what
	default:
		return "apt-get install " + what
	}
}

// before reports that a version is older than another. What cannot be read is not.
func before(version string, than []int) bool {
	numbers := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	for i, want := range than {
		if i >= len(numbers) {
			return len(numbers) > 0
		}
		number, err := strconv.Atoi(numbers[i])
		if err != nil {
			return false
		}
		if number != want {
			return number < want
		}
	}
	return false
}

func cgroups(m Machine) []Finding {
	return look(m.Cgroups, "control groups", func(c Cgroups) []Finding {
		if !c.V1 && !c.V2 {
			return fail("no control groups are mounted", "containers have their limits by them", "mount -t cgroup2 none /sys/fs/cgroup")
		}
		lacks := func(names ...string) []string {
			return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(c.Controllers, name) })
		}
		version := "version 2"
		switch {
		case c.V1 && c.V2:
			version = "versions 1 and 2"
		case c.V1:
			version = "version 1"
		}
		if missing := lacks("cpu", "memory"); len(missing) > 0 {
			return fail(fmt.Sprintf("control groups (%s) have no controller for %s", version, strings.Join(missing, ", ")),
				"pods cannot be held to their requests and limits, and do not start",
				"boot with the kernel's options cgroup_enable=memory cgroup_memory=1, or mount the controllers")
		}
		if missing := lacks("cpuset", "pids"); len(missing) > 0 {
			return warn(fmt.Sprintf("control groups (%s) have no controller for %s", version, strings.Join(missing, ", ")),
				"a pod can use up all processes of the machine, or cannot be held to its processors",
				"boot with a kernel that has them; 'cat /proc/cgroups' tells")
		}
		return well("control groups are %s, with %s", version, strings.Join(c.Controllers, ", "))
	})
}

func overlay(m Machine) []Finding {
	found := look(m.Overlay, "overlayfs", func(there bool) []Finding {
		if there {
			return well("the kernel has overlayfs")
		}
		return fail("the kernel has no overlayfs", "the images of containers are layers of it", "modprobe overlay")
	})
	if disk := m.Disk; disk.Err == nil && slices.Contains([]string{"overlay", "nfs", "ecryptfs"}, disk.Value.Filesystem) {
		found = append(found, fail(
			fmt.Sprintf("%s is on %s", disk.Value.Path, disk.Value.Filesystem),
			"overlayfs cannot write there, so no container can be made",
			"orrery up --data-dir DIR, with a directory on ext4, xfs or the like")...)
	}
	return found
}

func userNamespaces(m Machine) []Finding {
	return look(m.UserNamespaces, "user namespaces", func(most int) []Finding {
		if most == 0 {
			return warn("there are no user namespaces", "pods with hostUsers: false do not start", "sysctl -w user.max_user_namespaces=65536")
		}
		return well("there may be %d user namespaces", most)
	})
}
