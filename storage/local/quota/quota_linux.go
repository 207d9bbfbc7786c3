package quota

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Quotas are the project quotas of a file system.
type Quotas struct {
	// dir is on it.
	dir string
}

// ErrNone says that a file system has no project quotas, or that nobody enforces them.
var ErrNone = errors.New("the file system has no project quotas")

// Open finds the quotas of the file system that a directory is on.
func Open(dir string) (*Quotas, error) {
	q := &Quotas{dir: dir}
	if _, err := q.Usage(firstProject); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return q, nil
}

// Usage is how large a project is, and may become.
type Usage struct {
	// Bytes and Inodes are what it has.
	Bytes, Inodes int64
	// Limit is the most bytes that it may have; 0 means any number.
	Limit int64
}

// firstProject is the first number that is given to a project of ours: people begin with small ones.
const firstProject = 1 << 30

// Free finds a project that nobody uses, the first from a number on that is derived from a seed.
func (q *Quotas) Free(seed uint32) (project uint32, err error) {
	const others = 1 << 20
	for i := range uint32(others) {
		project = firstProject | (seed+i)&(firstProject-1)
		usage, err := q.Usage(project)
		if err != nil {
			return 0, err
		}
		if usage == (Usage{}) {
			return project, nil
		}
	}
	return 0, fmt.Errorf("looking for a free project of %s: %d in a row are taken", q.dir, others)
}

// block is the unit of limits.
const block = 1024

// dqblk is struct if_dqblk of quotactl(2).
type dqblk struct {
	blockHard, blockSoft, space  uint64
	inodeHard, inodeSoft, inodes uint64
	blockTime, inodeTime         uint64
	valid                        uint32
	_                            uint32
}

// The commands of quotactl(2), for projects.
const (
	projects    = 2
	getQuota    = 0x800007<<8 | projects
	setQuota    = 0x800008<<8 | projects
	blockLimits = 1 // QIF_BLIMITS
)

// Usage asks the kernel for a project.
func (q *Quotas) Usage(project uint32) (Usage, error) {
	var b dqblk
	if err := q.control(getQuota, project, &b); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return Usage{}, nil
		}
		return Usage{}, fmt.Errorf("reading the quota of project %d at %s: %w", project, q.dir, err)
	}
	return Usage{Bytes: int64(b.space), Inodes: int64(b.inodes), Limit: int64(b.blockHard) * block}, nil
}

// Limit sets the most bytes that a project may have, rounded up to a kibibyte; 0 takes the limit away.
func (q *Quotas) Limit(project uint32, bytes int64) error {
	b := dqblk{blockHard: uint64((bytes + block - 1) / block), valid: blockLimits}
	b.blockSoft = b.blockHard
	if err := q.control(setQuota, project, &b); err != nil {
		return fmt.Errorf("limiting project %d at %s to %d bytes: %w", project, q.dir, bytes, err)
	}
	return nil
}

func (q *Quotas) control(command uintptr, project uint32, b *dqblk) error {
	dir, err := os.Open(q.dir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // read only
	_, _, code := unix.Syscall6(unix.SYS_QUOTACTL_FD, dir.Fd(), command, uintptr(project), uintptr(unsafe.Pointer(b)), 0, 0)
	if code != 0 {
		return code
	}
	return nil
}

// fsxattr is struct fsxattr of linux/fs.h.
type fsxattr struct {
	flags, extentSize, extents, project, cowExtentSize uint32
	_                                                  [8]byte
}

const (
	getAttributes = 0x801c581f // FS_IOC_FSGETXATTR
	setAttributes = 0x401c5820 // FS_IOC_FSSETXATTR
	inherit       = 0x200      // FS_XFLAG_PROJINHERIT
)

// Assign makes a directory, which has to be empty, and all that comes to be in it, belong to a project.
func (q *Quotas) Assign(path string, project uint32) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("assigning a project: %w", err)
	}
	defer func() { _ = dir.Close() }() // read only
	var a fsxattr
	if err := attributes(dir, getAttributes, &a); err != nil {
		return fmt.Errorf("reading the project of %s: %w", path, err)
	}
	a.project, a.flags = project, a.flags|inherit
	if err := attributes(dir, setAttributes, &a); err != nil {
		return fmt.Errorf("assigning %s to project %d: %w", path, project, err)
	}
	return nil
}

func attributes(file *os.File, command uintptr, a *fsxattr) error {
	if _, _, code := unix.Syscall(unix.SYS_IOCTL, file.Fd(), command, uintptr(unsafe.Pointer(a))); code != 0 {
		return code
	}
	return nil
}
