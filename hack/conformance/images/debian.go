package images

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/hack/conformance/process"
)

// release is Debian's.
const release = "bookworm"

// packages are what the tests call for in images: DNS and HTTP clients, iperf, a web server, Perl, iptables; and the parts of busybox.
var packages = []string{
	"bash-static", "bind9-dnsutils", "busybox", "ca-certificates", "curl", "iperf", "iproute2", "iptables", "iputils-ping", "libc-bin",
	"netcat-openbsd", "nginx-light", "perl", "procps", "socat", "util-linux",
}

// applets is the file of the root that lists what busybox can do.
const applets = "usr/share/busybox-applets"

// Check says what this machine lacks for making the images, and how to get it.
func (b Builder) Check() error {
	if _, err := os.Stat(b.debianLayer()); err == nil {
		return nil
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return errors.New("the images are made from a Debian root, and debootstrap is missing: apt-get install debootstrap (and debian-archive-keyring, where this is no Debian)")
	}
	return nil
}

// debian makes the root as one layer, with debootstrap, which needs root rights.
func (b Builder) debian(ctx context.Context) error {
	layer := b.debianLayer()
	if _, err := os.Stat(layer); err == nil {
		return nil
	}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(b.Dir, "debian-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what remains is a scratch directory
	b.Say("installing Debian %s with %d packages into a root of its own", release, len(packages))
	install := process.Command{
		Args: []string{"debootstrap", "--variant=minbase", "--include=" + strings.Join(packages, ","), release, scratch},
		Own:  true, // debootstrap mounts /proc and /sys there
	}
	if err := install.Run(ctx); err != nil {
		return fmt.Errorf("installing Debian %s: %w", release, err)
	}
	if err := prepare(ctx, scratch); err != nil {
		return fmt.Errorf("preparing the Debian root: %w", err)
	}
	return pack(layer, scratch)
}

func (b Builder) debianLayer() string { return filepath.Join(b.Dir, "debian.tar.gz") }

// prepare removes what no test reads, and adds busybox's applets where Debian has no program of that name.
func prepare(ctx context.Context, root string) error {
	for _, pattern := range []string{
		"var/cache/apt/*", "var/lib/apt/lists/*", "var/log/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "dev/*", "proc/*", "sys/*",
	} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, name := range found {
			if err := os.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	// Both are mounted over in a container, and are this machine's.
	for _, name := range []string{"etc/resolv.conf", "etc/hostname"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			return err
		}
	}
	list, err := exec.CommandContext(ctx, "chroot", root, "busybox", "--list").Output()
	if err != nil {
		return fmt.Errorf("listing busybox's applets: %w", err)
	}
	for _, applet := range strings.Fields(string(list)) {
		if err := linkApplet(root, applet); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(root, applets), list, 0o644)
}

// linkApplet makes an applet callable, unless Debian has a program of that name.
func linkApplet(root, applet string) error {
	for _, dir := range []string{"usr/bin", "usr/sbin"} { // /bin and /sbin are links to them
		if _, err := os.Lstat(filepath.Join(root, dir, applet)); err == nil {
			return nil
		}
	}
	return os.Symlink("/bin/busybox", filepath.Join(root, "usr/local/bin", applet))
}

// pack writes a directory's tree as a layer. It appears whole or not at all.
func pack(file, root string) error {
	out, err := os.Create(file + ".new")
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // closed below where that matters
	compressed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		return packEntry(w, root, name, entry)
	})
	for _, finish := range []func() error{w.Close, compressed.Close, out.Close} {
		if err == nil {
			err = finish()
		}
	}
	if err != nil {
		return fmt.Errorf("packing %s: %w", root, err)
	}
	return os.Rename(file+".new", file)
}

func packEntry(w *tar.Writer, root, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(name); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	header.Name, header.Uname, header.Gname = filepath.ToSlash(relative), "", ""
	if info.IsDir() {
		header.Name += "/"
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	_, err = io.Copy(w, in)
	return err
}
