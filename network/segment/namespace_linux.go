package segment

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// uplink is what a node's end of its cable is called in its namespace.
const uplink = "eth0"

// Join brings the namespace of a node into being and connects it to the segment, or repairs that.
func (s *Segment) Join(n int) error {
	if err := s.join(n); err != nil {
		return fmt.Errorf("nodes' segment %s: joining node %d: %w", s.options.Name, n, err)
	}
	return nil
}

func (s *Segment) join(n int) error {
	file, err := openNamespace(Namespace(s.options.Name, n))
	if errors.Is(err, os.ErrNotExist) {
		if err := makeNamespace(Namespace(s.options.Name, n)); err != nil {
			return err
		}
		file, err = openNamespace(Namespace(s.options.Name, n))
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // the mount pins it
	inside, err := netlink.NewHandleAt(netns.NsHandle(file.Fd()))
	if err != nil {
		return err
	}
	defer inside.Close()
	if err := s.plugIn(n, file, inside); err != nil {
		return err
	}
	return s.furnish(n, inside)
}

// plugIn lays a cable from the bridge to the namespace, where there is none, and puts its end into the bridge.
func (s *Segment) plugIn(n int, namespace *os.File, inside *netlink.Handle) error {
	name := PortName(s.options.Name, n)
	if _, err := inside.LinkByName(uplink); errors.As(err, &netlink.LinkNotFoundError{}) {
		if err := removeLink(name); err != nil { // of a namespace that is gone
			return err
		}
		attributes := netlink.NewLinkAttrs()
		attributes.Name = name
		pair := &netlink.Veth{
			LinkAttrs: attributes, PeerName: uplink, PeerHardwareAddr: hardwareAddress(s.Address(n)), PeerNamespace: netlink.NsFd(namespace.Fd()),
		}
		if err := netlink.LinkAdd(pair); err != nil {
			return fmt.Errorf("laying cable %s: %w", name, err)
		}
	} else if err != nil {
		return err
	}
	bridge, err := netlink.LinkByName(InterfaceName(s.options.Name))
	if err != nil {
		return err
	}
	port, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetMasterByIndex(port, bridge.Attrs().Index); err != nil {
		return fmt.Errorf("putting %s into %s: %w", name, bridge.Attrs().Name, err)
	}
	return netlink.LinkSetUp(port)
}

// furnish gives the namespace its addresses and the ways out.
func (s *Segment) furnish(n int, inside *netlink.Handle) error {
	loopback, err := inside.LinkByName("lo")
	if err == nil {
		err = inside.LinkSetUp(loopback)
	}
	if err != nil {
		return fmt.Errorf("raising the loopback device: %w", err)
	}
	link, err := inside.LinkByName(uplink)
	if err != nil {
		return err
	}
	if err := inside.LinkSetUp(link); err != nil {
		return err
	}
	for i, own := range s.networks(n) {
		if err := inside.AddrReplace(link, addressOf(own)); err != nil {
			return fmt.Errorf("giving %s address %s: %w", uplink, own, err)
		}
		gateway := s.networks(1)[i].Addr()
		everywhere := ipNet(netip.PrefixFrom(gateway, 0).Masked())
		if err := inside.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: everywhere, Gw: gateway.AsSlice()}); err != nil {
			return fmt.Errorf("routing by %s: %w", gateway, err)
		}
	}
	return nil
}

// Start starts a program as one of a node's: in its network namespace, and in a UTS namespace of its own in which the machine is called
// hostname. What it starts itself is there, too. The rest is as with [exec.Cmd.Start].
func (s *Segment) Start(n int, hostname string, program *exec.Cmd) error {
	file, err := openNamespace(Namespace(s.options.Name, n))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // who is in it keeps it, and the mount
	return onOwnThread(func() error {
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("entering network namespace %s: %w", file.Name(), err)
		}
		if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
			return fmt.Errorf("making a namespace for the name of the host: %w", err)
		}
		if err := unix.Sethostname([]byte(hostname)); err != nil {
			return fmt.Errorf("naming the host %s: %w", hostname, err)
		}
		return program.Start()
	})
}

// Leave removes a node's namespace and cable. Who is in the namespace has to be gone. Calling it again is no error.
func Leave(name string, n int) error {
	if err := removeLink(PortName(name, n)); err != nil {
		return err
	}
	return removeNamespace(Namespace(name, n))
}

// makeNamespace makes a network namespace, pinned by a file.
func makeNamespace(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the directory of network namespaces: %w", err)
	}
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return fmt.Errorf("making network namespace %s: %w", path, err)
	}
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	})
	if err != nil {
		return errors.Join(fmt.Errorf("making network namespace %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// openNamespace opens the file that pins a namespace. One that pins none, as one of before a crash, does not exist.
func openNamespace(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var found unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &found); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if found.Type != unix.NSFS_MAGIC {
		return nil, errors.Join(&os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}, file.Close())
	}
	return file, nil
}

func removeNamespace(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) { // it is no mount, or is gone
		return fmt.Errorf("unmounting network namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing network namespace %s: %w", path, err)
	}
	return nil
}

// onOwnThread does something on a thread that is used for nothing else, and ends with it: what it changes of the thread ends too. The
// first thread is spared, because /proc shows the process as that is.
func onOwnThread(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good, unless this is the first
		if unix.Gettid() != unix.Getpid() {
			done <- do()
			return
		}
		done <- onOwnThread(do)
		runtime.UnlockOSThread()
	}()
	return <-done
}
