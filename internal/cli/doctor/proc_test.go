package doctor

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutesOfTheKernel(t *testing.T) {
	const text = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0101A8C0	0003	0	0	0	00000000	0	0	0
eth0	0001A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
orr-a	0000C80A	00000000	0001	0	0	0	0000FFFF	0	0	0
`
	got, err := parseRoutes(text)
	want := []Route{
		{netip.MustParsePrefix("0.0.0.0/0"), "eth0"},
		{netip.MustParsePrefix("192.168.1.0/24"), "eth0"},
		{netip.MustParsePrefix("10.200.0.0/16"), "orr-a"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := parseRoutes("headings\neth0 zz 0 0 0 0 0 00000000\n"); err == nil {
		t.Error("what is no number is taken for an address")
	}
}

func TestListenersOfTheKernel(t *testing.T) {
	const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:280A 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
`
	if diff := cmp.Diff(map[int]string{6443: "4711"}, parseListeners(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestControlGroupsAmongMounts(t *testing.T) {
	const (
		v1   = "30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		v2   = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		none = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	)
	for name, c := range map[string]struct {
		text string
		want Cgroups
		v2   string
	}{
		"version 1": {none + v1, Cgroups{V1: true, Controllers: []string{"cpu", "memory"}}, ""},
		"version 2": {none + v2, Cgroups{V2: true}, "/sys/fs/cgroup"},
		"none":      {none, Cgroups{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, where := cgroupsOf(parseMounts(c.text))
			if diff := cmp.Diff(c.want, got); diff != "" || where != c.v2 {
				t.Errorf("version 2 is at %q, want %q (-want +got):\n%s", where, c.v2, diff)
			}
		})
	}
}

func TestMountsMayHaveBlanksInTheirNames(t *testing.T) {
	got := parseMounts(`36 35 98:0 / /mnt/a\040b rw master:1 - tmpfs none rw,size=1k`)
	if len(got) != 1 || got[0].point != "/mnt/a b" {
		t.Errorf("read %+v", got)
	}
}

func TestChainsOfNftables(t *testing.T) {
	const text = `{"nftables": [{"metainfo": {"version": "1.0.6"}},
		{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}},
		{"chain": {"family": "ip", "table": "filter", "name": "DOCKER", "handle": 2}},
		{"chain": {"family": "inet", "table": "own", "name": "fw", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}},
		{"chain": {"family": "ip6", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}]}`
	tables, refusing, err := parseChains([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Table{{"ip", "filter"}, {"inet", "own"}, {"ip6", "filter"}}, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ip filter FORWARD"}, refusing); diff != "" {
		t.Errorf("chains that refuse what is IPv4 (-want +got):\n%s", diff)
	}
	if _, _, err := parseChains([]byte("no such file")); err == nil {
		t.Error("what is no JSON is taken for chains")
	}
}

func TestWordsOfTheKernel(t *testing.T) {
	if got, err := fieldOf("Name:\torrery\nCapEff:\t000001ffffffffff\n", "CapEff", 16); err != nil || got != 0x1ffffffffff {
		t.Errorf("capabilities %x (%v)", got, err)
	}
	if _, err := fieldOf("Name:\torrery\n", "CapEff", 16); err == nil {
		t.Error("a line that is not there has a value")
	}
	if got, err := parseThreads("0.53 1.42 2.37 2/311 48211\n"); err != nil || got != 311 {
		t.Errorf("%d threads (%v), want 311", got, err)
	}
	if got := parseNftVersion("nftables v1.0.6 (Lester Gooch #5)\n"); got != "1.0.6" {
		t.Errorf("nft is %q", got)
	}
	if got := parseDistribution("NAME=\"Debian GNU/Linux\"\nID=debian\n"); got != "debian" {
		t.Errorf("the distribution is %q", got)
	}
	if got := parseResolvers("search x\nnameserver 10.96.0.10\nnameserver fe80::1%eth0\n"); len(got) != 2 || got[0] != netip.MustParseAddr("10.96.0.10") {
		t.Errorf("resolvers %v", got)
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		version string
		than    []int
		want    bool
	}{
		{"1.0.0", []int{1, 0, 1}, true}, {"1.0.1", []int{1, 0, 1}, false}, {"1.1", []int{1, 0, 1}, false}, {"0.9.8", []int{1, 0, 1}, true},
		{"5.4.0-150-generic", []int{5, 13}, true}, {"6.18.0+", []int{5, 13}, false}, {"unknown", []int{5, 13}, false},
	} {
		if got := before(c.version, c.than); got != c.want {
			t.Errorf("%s is before %v: %t, want %t", c.version, c.than, got, c.want)
		}
	}
}
