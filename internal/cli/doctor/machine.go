package doctor

import (
	"errors"
	"net/netip"
	"time"
)

// Seen is a fact, or why it could not be seen.
type Seen[T any] struct {
	Value T
	// Err says why there is no value; [ErrElsewhere] that a machine of this kind does not have it.
	Err error
}

// ErrElsewhere is the error of a fact that only machines of another kind have. It is passed over.
var ErrElsewhere = errors.New("not on a machine of this kind")

func saw[T any](value T, err error) Seen[T] { return Seen[T]{value, err} }

// Machine is what was seen of a machine, and what it is to be used for.
type Machine struct {
	// Containers: it is to run containers, and not only to say so.
	Containers bool
	Root       bool
	Now        time.Time
	Instance   Instance

	// Distribution is the name of the Linux distribution, as in "debian".
	Distribution Seen[string]
	// Programs says in its error which of the container runtime's programs is missing.
	Programs Seen[string]
	Nft      Seen[Nft]
	Kernel   Seen[string] // its release, as in "6.1.0"
	Cgroups  Seen[Cgroups]
	// Overlay: the kernel has overlayfs, or a module of it.
	Overlay        Seen[bool]
	UserNamespaces Seen[int] // how many there may be
	Capabilities   Seen[uint64]

	InotifyInstances Seen[Setting]
	InotifyWatches   Seen[Setting]
	PIDs             Seen[PIDs]
	Files            Seen[Files]
	Memory           Seen[Memory]
	Disk             Seen[Disk]

	Forwarding, ForwardingIPv6 Seen[Setting]

	ReversePath Seen[int]
	Routes      Seen[[]Route]
	Resolvers   Seen[[]netip.Addr]
	// Ports are those of the ones that the control plane wants which somebody listens on.
	Ports Seen[[]Port]

	Clock     Seen[Clock]
	Leftovers Seen[Leftovers]
}

// Instance is the control plane that the machine is looked at for.
type Instance struct {
	Name, Dir string
	Exists    bool // it has a directory
	Running   bool
	// Port is the one that its API server has, or shall have.
	Port int
	// Chosen: the port was chosen, by a person or at an earlier start, so that no other will do.
	Chosen         bool
	Pods, Services netip.Prefix
	// IPv6: pods and Services have addresses of it, too.
	IPv6 bool
	// Devices are its own network devices, whose routes are not in its way.
	Devices []string
}

// Nft is what was seen of nftables.
type Nft struct {
	// Version is that of the nft program; empty if there is none.
	Version string
	// Broken is what nft said when it was asked for the kernel's tables; empty if it answered.
	Broken string
	// Refusing are the chains of others that drop what is forwarded unless some rule of theirs lets it pass.
	Refusing []string
	// Tables are all tables that have a chain.
	Tables []Table
}

// Table is a table of nftables.
type Table struct{ Family, Name string }

// Cgroups are the hierarchies of control groups.
type Cgroups struct {
	V1, V2 bool // which are mounted
	// Controllers are those of version 1 that are mounted, and those of version 2 that groups can have.
	Controllers []string
}

// Setting is a number that the kernel has, and whether we may change it.
type Setting struct {
	Value     int
	Writeable bool
}

// PIDs are how many processes and threads there are, and may be.
type PIDs struct{ Now, Most int }

// Files are how many files a process may have open: by default, and after it has asked for more.
type Files struct{ Soft, Hard uint64 }

// Memory is in bytes. What the control group of this process leaves is counted, where that is less.
type Memory struct{ Available, Total uint64 }

// Disk is the file system that holds the data directory.
type Disk struct {
	Path string
	// Filesystem is its kind, as in "ext4"; empty where it is not known.
	Filesystem         string
	Free, Size         uint64 // bytes
	FreeInodes, Inodes uint64 // 0 inodes: it does not count them
}

// Route is one of the host's.
type Route struct {
	To     netip.Prefix
	Device string
}

// Port is one that somebody listens on.
type Port struct {
	Number int
	// By names the process, as in "nginx (process 812)"; empty where that cannot be seen.
	By string
}

// Clock is how the machine's clock is.
type Clock struct {
	// Synchronized: the kernel says that somebody keeps it right.
	Synchronized bool
	// NewestFile is when something of ours was last written, by the clock of that time. It is not after now, unless the clock
	// was set back.
	NewestFile time.Time
	// Jumped is by how much it was set while the instance ran; 0 where it does not run.
	Jumped time.Duration
}

// Leftovers are what there is of the instance outside of its directory.
type Leftovers struct {
	// Processes are its runtime's, and its containers', by their ids.
	Processes []int
	// Mounts are mount points of its, Cgroups its control groups.
	Mounts, Cgroups []string
	Devices         []string
	Tables          []Table
}
