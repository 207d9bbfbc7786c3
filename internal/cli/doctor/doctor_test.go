package doctor

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// sound is a machine on which all is well.
func sound() Machine {
	return Machine{
		Containers: true, Root: true, Now: noon,
		Instance: Instance{
			Name: "orrery", Dir: "/var/lib/orrery/orrery", Port: 6443,
			Pods: netip.MustParsePrefix("10.200.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16"), Devices: []string{"orr-orrery"},
		},
		Distribution:     saw("debian", nil),
		Programs:         saw("the runtime is in /opt/orrery", nil),
		Nft:              saw(Nft{Version: "1.0.6"}, nil),
		Kernel:           saw("6.1.0-21-amd64", nil),
		Cgroups:          saw(Cgroups{V2: true, Controllers: []string{"cpuset", "cpu", "io", "memory", "pids"}}, nil),
		Overlay:          saw(true, nil),
		UserNamespaces:   saw(31000, nil),
		Capabilities:     saw[uint64](1<<41-1, nil),
		InotifyInstances: saw(Setting{8192, true}, nil),
		InotifyWatches:   saw(Setting{524288, true}, nil),
		PIDs:             saw(PIDs{300, 32768}, nil),
		Files:            saw(Files{1024, 1 << 20}, nil),
		Memory:           saw(Memory{8 * gibibyte, 16 * gibibyte}, nil),
		Disk:             saw(Disk{Path: "/var/lib", Filesystem: "ext4", Free: 40 * gibibyte, Size: 100 * gibibyte, FreeInodes: 900, Inodes: 1000}, nil),
		Forwarding:       saw(Setting{1, true}, nil),
		ReversePath:      saw(0, nil),
		Routes:           saw([]Route{{netip.MustParsePrefix("0.0.0.0/0"), "eth0"}, {netip.MustParsePrefix("192.168.1.0/24"), "eth0"}}, nil),
		Resolvers:        saw([]netip.Addr{netip.MustParseAddr("192.168.1.1")}, nil),
		Ports:            saw[[]Port](nil, nil),
		Clock:            saw(Clock{Synchronized: true, NewestFile: noon.Add(-time.Hour)}, nil),
		Leftovers:        saw(Leftovers{}, nil),
	}
}

func TestAllIsWellOnASoundMachine(t *testing.T) {
	found := Judge(sound())
	for _, f := range found {
		if f.Level != OK || f.What == "" || f.Why+f.Cure != "" {
			t.Errorf("found %+v", f)
		}
	}
	if len(found) < len(checks) {
		t.Errorf("%d findings of %d checks: each that applies has one", len(found), len(checks))
	}
	var out bytes.Buffer
	if err := Brief(&out, found); err != nil || out.Len() > 0 {
		t.Errorf("of a sound machine it says in short %q (%v)", &out, err)
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	instance := func(change func(*Instance)) func(*Machine) { return func(m *Machine) { change(&m.Instance) } }
	for name, c := range map[string]struct {
		change func(*Machine)
		check  string
		level  Level
		what   string
		cure   string
	}{
		"somebody else than root": {func(m *Machine) { m.Root = false }, "root", Error, "not running as root", "sudo"},
		"root in a container": {func(m *Machine) { m.Capabilities.Value &^= 1 << capSysResource },
			"capabilities", Warning, "CAP_SYS_RESOURCE", "--cap-add SYS_RESOURCE"},
		"root with next to nothing": {func(m *Machine) { m.Capabilities.Value &^= 1<<21 | 1<<12 },
			"capabilities", Error, "lacks CAP_NET_ADMIN, CAP_SYS_ADMIN", "--privileged"},
		"no runtime": {func(m *Machine) { m.Programs.Err = errors.New("runc is not in /opt") }, "runtime", Error, "runc is not in /opt", "make runtime"},
		"no nft":     {func(m *Machine) { m.Nft.Value = Nft{} }, "nft", Error, "no program nft", "apt-get install nftables"},
		"no nft on Fedora": {func(m *Machine) { m.Nft.Value, m.Distribution.Value = Nft{}, "fedora" },
			"nft", Error, "no program nft", "dnf install nftables"},
		"an nft of old":       {func(m *Machine) { m.Nft.Value.Version = "0.9.8" }, "nft", Error, "nft is 0.9.8", "apt-get install"},
		"an nft that is mute": {func(m *Machine) { m.Nft.Value.Broken = "Protocol not supported" }, "nft", Error, "Protocol not supported", "modprobe nf_tables"},
		"a kernel of old":     {func(m *Machine) { m.Kernel.Value = "5.4.0-150" }, "nft", Warning, "the kernel is 5.4.0-150", "newer kernel"},
		"no control groups":   {func(m *Machine) { m.Cgroups.Value = Cgroups{} }, "cgroups", Error, "no control groups are mounted", "mount -t cgroup2"},
		"control groups without memory": {func(m *Machine) { m.Cgroups.Value.Controllers = []string{"cpu", "pids", "cpuset"} },
			"cgroups", Error, "(version 2) have no controller for memory", "cgroup_enable=memory"},
		"control groups of version 1 without pids": {func(m *Machine) {
			m.Cgroups.Value = Cgroups{V1: true, Controllers: []string{"cpu", "memory", "cpuset"}}
		},
			"cgroups", Warning, "(version 1) have no controller for pids", "/proc/cgroups"},
		"no overlayfs":              {func(m *Machine) { m.Overlay.Value = false }, "overlayfs", Error, "no overlayfs", "modprobe overlay"},
		"a directory on overlayfs":  {func(m *Machine) { m.Disk.Value.Filesystem = "overlay" }, "overlayfs", Error, "/var/lib is on overlay", "--data-dir"},
		"no user namespaces":        {func(m *Machine) { m.UserNamespaces.Value = 0 }, "user-namespaces", Warning, "no user namespaces", "sysctl -w user.max"},
		"little memory":             {func(m *Machine) { m.Memory.Value.Available = 700 * mebibyte }, "memory", Warning, "700 MiB of 16 GiB", "ps aux"},
		"no memory":                 {func(m *Machine) { m.Memory.Value.Available = 300 * mebibyte }, "memory", Error, "300 MiB of 16 GiB", "ps aux"},
		"a disk that is soon full":  {func(m *Machine) { m.Disk.Value.Free = 2 * gibibyte }, "disk", Warning, "2.0 GiB of 100 GiB", "du -xh"},
		"a disk that is full":       {func(m *Machine) { m.Disk.Value.Free = 1 * mebibyte }, "disk", Error, "1.0 MiB of 100 GiB", "--data-dir"},
		"a disk without inodes":     {func(m *Machine) { m.Disk.Value.FreeInodes = 10 }, "disk", Warning, "10 of 1000 inodes", "--inodes"},
		"few files":                 {func(m *Machine) { m.Files.Value.Hard = 4096 }, "open-files", Warning, "and 4096 if it asks", "ulimit"},
		"hardly any files":          {func(m *Machine) { m.Files.Value.Hard = 512 }, "open-files", Error, "and 512 if it asks", "ulimit"},
		"as many pids as there are": {func(m *Machine) { m.PIDs.Value.Now = 30000 }, "pids", Warning, "30000 processes and threads of at most 32768", "pid_max"},
		"few inotify instances that cannot be raised": {func(m *Machine) { m.InotifyInstances.Value = Setting{128, false} },
			"inotify", Warning, "max_user_instances is 128", "sysctl -w fs.inotify.max_user_instances"},
		"few inotify watches":             {func(m *Machine) { m.InotifyWatches.Value.Value = 8192 }, "inotify", Warning, "max_user_watches is 8192", "sysctl -w"},
		"no forwarding, and no way to it": {func(m *Machine) { m.Forwarding.Value = Setting{0, false} }, "forwarding", Error, "does not forward", "ip_forward=1"},
		"a kernel without IPv6 where pods are to have it": {func(m *Machine) {
			m.Instance.IPv6, m.ForwardingIPv6 = true, Seen[Setting]{Err: fs.ErrNotExist}
		}, "forwarding", Error, "IPv6 turned off", "ipv6.disable=1"},
		"no forwarding of IPv6, and no way to it": {func(m *Machine) {
			m.Instance.IPv6, m.ForwardingIPv6 = true, saw(Setting{0, false}, nil)
		}, "forwarding", Error, "does not forward packets of IPv6", "net.ipv6.conf.all.forwarding=1"},
		"a firewall that refuses to forward": {func(m *Machine) { m.Nft.Value.Refusing = []string{"ip filter FORWARD"} }, "firewall", Warning, "ip filter FORWARD drops", "nft insert rule ip filter FORWARD ip saddr 10.200.0.0/16 accept"},
		"strict answers with two ways out": {func(m *Machine) {
			m.ReversePath.Value = 1
			m.Routes.Value = append(m.Routes.Value, Route{netip.MustParsePrefix("0.0.0.0/0"), "wlan0"})
		}, "rp-filter", Warning, "2 ways out (eth0, wlan0)", "rp_filter=2"},
		"a VPN in the pods' range": {func(m *Machine) {
			m.Routes.Value = append(m.Routes.Value, Route{netip.MustParsePrefix("10.200.128.0/17"), "tun0"})
		}, "addresses", Warning, "10.200.0.0/16, the addresses of pods, overlap with 10.200.128.0/17, which this machine reaches by tun0", "ip route del 10.200.128.0/17"},
		"a name server among the services": {func(m *Machine) { m.Resolvers.Value = []netip.Addr{netip.MustParseAddr("10.96.0.10")} },
			"addresses", Warning, "10.96.0.10 is among the addresses of services", "resolv.conf"},
		"its own port in somebody's hands": {func(m *Machine) {
			m.Ports.Value, m.Instance.Chosen = []Port{{6443, "nginx (process 812)"}}, true
		}, "ports", Error, "port 6443 is in use by nginx (process 812)", "--port"},
		"a clock that was set back":    {func(m *Machine) { m.Clock.Value.NewestFile = noon.Add(24 * time.Hour) }, "clock", Error, "written at 2026-01-02 12:00:00", "set-ntp"},
		"a clock that was set forward": {func(m *Machine) { m.Clock.Value.Jumped = time.Hour }, "clock", Warning, "set by 1h0m0s", "orrery down"},
		"an instance that was killed": {func(m *Machine) { m.Instance.Exists, m.Leftovers.Value.Processes = true, []int{7, 8} },
			"leftovers", Warning, "2 processes of instance orrery run on", "orrery down --name orrery"},
		"an instance whose directory is gone": {func(m *Machine) {
			m.Leftovers.Value = Leftovers{
				Processes: []int{7}, Mounts: []string{"/v/a", "/v/a/b"}, Cgroups: []string{"/sys/fs/cgroup/orrery-orrery"},
				Devices: []string{"orr-orrery"}, Tables: []Table{{"ip", "orrery-orrery-pods"}},
			}
		}, "leftovers", Warning, "there is no instance orrery", "kill -9 7; umount /v/a/b; umount /v/a; find /sys/fs/cgroup/orrery-orrery -depth -type d -exec rmdir {} +; ip link delete orr-orrery; nft delete table ip orrery-orrery-pods"},

		"few inotify instances that we raise":   {func(m *Machine) { m.InotifyInstances.Value = Setting{128, true} }, "inotify", OK, "raised at the start", ""},
		"forwarding that we turn on":            {func(m *Machine) { m.Forwarding.Value = Setting{0, true} }, "forwarding", OK, "turned on at the start", ""},
		"strict answers with one way out":       {func(m *Machine) { m.ReversePath.Value = 1 }, "rp-filter", OK, "the ways out are by eth0", ""},
		"a port that need not be the one":       {func(m *Machine) { m.Ports.Value = []Port{{6443, ""}} }, "ports", OK, "in use by another process: another one is taken", ""},
		"a clock that nobody keeps right":       {func(m *Machine) { m.Clock.Value.Synchronized = false }, "clock", OK, "nobody keeps the clock right", ""},
		"an instance that is stopped":           {instance(func(i *Instance) { i.Exists = true }), "leftovers", OK, "is stopped", ""},
		"an instance that has its memory":       {func(m *Machine) { m.Instance.Running, m.Memory.Value.Available = true, 1 }, "memory", OK, "1 B of", ""},
		"an instance that has its port":         {func(m *Machine) { m.Instance.Running, m.Ports.Value = true, []Port{{6443, "orrery"}} }, "ports", OK, "has its ports", ""},
		"the instance's own bridge":             {func(m *Machine) { m.Routes.Value = []Route{{netip.MustParsePrefix("10.200.0.0/24"), "orr-orrery"}} }, "addresses", OK, "nobody else's", ""},
		"a network so wide that it leaves room": {func(m *Machine) { m.Routes.Value = []Route{{netip.MustParsePrefix("10.0.0.0/8"), "eth0"}} }, "addresses", OK, "nobody else's", ""},
		"what could not be read":                {func(m *Machine) { m.PIDs.Err = errors.New("permission denied") }, "pids", Unknown, "could not be looked at: permission denied", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := sound()
			c.change(&m)
			seen := false
			for _, f := range Judge(m) {
				if f.Check != c.check || f.Level != c.level || !strings.Contains(f.What, c.what) {
					if f.Level != OK && f.Check != c.check {
						t.Errorf("found besides: %+v", f)
					}
					continue
				}
				seen = true
				if !strings.Contains(f.Cure, c.cure) {
					t.Errorf("the cure is %q, want %q in it", f.Cure, c.cure)
				}
				if notWell := f.Level == Warning || f.Level == Error; notWell != (f.Why != "" && f.Cure != "") {
					t.Errorf("%+v: what is not well has a reason and a cure, and only that", f)
				}
			}
			if !seen {
				t.Errorf("no %s of %s says %q:\n%+v", c.level, c.check, c.what, Judge(m))
			}
		})
	}
}

func TestWhatAMachineDoesNotHaveIsPassedOver(t *testing.T) {
	m := sound()
	m.Containers = false
	m.Nft.Err, m.Memory.Err, m.Leftovers.Err, m.InotifyInstances.Err, m.InotifyWatches.Err = ErrElsewhere, ErrElsewhere, ErrElsewhere, ErrElsewhere, ErrElsewhere
	m.Programs.Err = errors.New("there is no runtime") // which nobody wants here
	var names []string
	for _, f := range Judge(m) {
		names = append(names, f.Check)
	}
	if got, want := strings.Join(names, " "), "disk open-files ports clock"; got != want {
		t.Errorf("checked %s, want %s", got, want)
	}
}

func TestTheWorstLevelIsThatOfTheWhole(t *testing.T) {
	of := func(levels ...Level) (found []Finding) {
		for _, level := range levels {
			found = append(found, Finding{Level: level})
		}
		return found
	}
	for want, findings := range map[Level][]Finding{
		OK: of(OK, Unknown), Warning: of(Unknown, Warning, OK), Error: of(Warning, Error, OK),
	} {
		if got := Worst(findings); got != want {
			t.Errorf("the worst of %v is %s, want %s", findings, got, want)
		}
	}
}

func TestAReportSaysWhatIsSoAndWhyAndWhatCuresIt(t *testing.T) {
	m := sound()
	m.InotifyWatches.Value.Value = 8192
	var whole, short bytes.Buffer
	if err := errors.Join(Report(&whole, Judge(m)), Brief(&short, Judge(m))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ok       root             running as root\n",
		"warning  inotify          fs.inotify.max_user_watches is 8192\n         why:  ",
		"         cure: sysctl -w fs.inotify.max_user_watches=524288\n",
		"checked: 0 errors, 1 warning\n",
	} {
		if !strings.Contains(whole.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &whole)
		}
	}
	if got, want := short.String(), "warning: inotify: fs.inotify.max_user_watches is 8192 (cure: sysctl -w fs.inotify.max_user_watches=524288)\n"; got != want {
		t.Errorf("in short it says\n%swant\n%s", got, want)
	}
}
