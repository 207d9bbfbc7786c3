package images

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/orrery-dev/orrery/hack/conformance/programs"
)

// libraries are what Debian's busybox is linked with, and what looks up names for it.
var libraries = []string{"libc.so.6", "libm.so.6", "libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2"}

// linkers are, for each architecture of Go, the directory of Debian's libraries and the dynamic linker.
var linkers = map[string]struct{ libraries, linker string }{
	"amd64": {"lib/x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"},
	"arm64": {"lib/aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"},
}

const (
	passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`
	group = `root:x:0:
daemon:x:1:
bin:x:2:
mail:x:8:
www-data:x:33:
users:x:100:
nogroup:x:65534:
`
)

// nmeter is the one applet that Debian's busybox lacks and tests call for, as far as they do: nmeter -d0 %3t, the time of day to a
// millisecond.
const nmeter = `#!/bin/bash
now=$EPOCHREALTIME
TZ=UTC printf '%(%H:%M:%S)T.%.3s\n' "${now%.*}" "${now#*.}"
`

// busybox is Debian's, with all its applets as links. Its sh is command sh of this module.
func (b Builder) busybox() (v1.Layer, error) {
	platform, ok := linkers[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("the layout of Debian's libraries for %s is not known", runtime.GOARCH)
	}
	names := []string{"bin/busybox", "bin/bash-static", applets, platform.linker}
	for _, library := range libraries {
		names = append(names, platform.libraries+"/"+library)
	}
	root, err := b.debianFiles(names...)
	if err != nil {
		return nil, err
	}
	shell, err := b.program(programs.Shell)
	if err != nil {
		return nil, err
	}
	files := []file{
		directory("tmp", 0o1777), directory("root", 0o700), directory("home", 0o755), directory("dev", 0o755), directory("proc", 0o755),
		directory("sys", 0o755), directory("var", 0o755), directory("var/spool", 0o755), directory("var/www", 0o755), directory("usr", 0o755),
		directory("usr/bin", 0o755), directory("usr/sbin", 0o755), directory("sbin", 0o755), directory("bin", 0o755),
		text("etc/passwd", passwd), text("etc/group", group), text("etc/nsswitch.conf", "hosts: files dns\n"),
		executable("bin/busybox", root["bin/busybox"]), executable("bin/bash", root["bin/bash-static"]), executable("bin/sh", shell),
		executable("bin/nmeter", []byte(nmeter)),
		executable(platform.linker, root[platform.linker]),
	}
	for _, library := range libraries {
		name := platform.libraries + "/" + library
		files = append(files, regular(name, 0o644, root[name]))
	}
	for _, applet := range strings.Fields(string(root[applets])) {
		if !slices.Contains([]string{"busybox", "sh", "bash", "nmeter"}, applet) { // which are files of their own
			files = append(files, link("bin/"+applet, "busybox"))
		}
	}
	return layer(files...)
}
