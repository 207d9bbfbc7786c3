package dns

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestResolversAreThoseThatPodsCanReach(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	resolved := write("resolved", "nameserver 192.0.2.1\n")
	missing := filepath.Join(dir, "missing")
	for _, c := range []struct {
		name, content, resolved, want string
	}{
		{"those of systemd-resolved where the file names its stub", "nameserver 127.0.0.53\noptions edns0\n", resolved, resolved},
		{"those of the file where it names others too", "nameserver 127.0.0.53\nnameserver 192.0.2.2\n", resolved, ""},
		{"those of the file where there is no systemd-resolved", "nameserver 127.0.0.53\n", missing, ""},
		{"those of the file where it names none", "search example.com\n", resolved, ""},
	} {
		usual := write("usual", c.content)
		want := c.want
		if want == "" {
			want = usual
		}
		if got := chooseResolvConf(usual, c.resolved); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
}

func TestWhoIsAskedByTheResolversDoesNotAskThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	text := "# nameserver 192.0.2.9\nnameserver 10.96.0.10\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 192.0.2.1\nnameserver nonsense\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := upstreams(file, netip.MustParseAddr("10.96.0.10"))
	if want := []string{"192.0.2.1", "fe80::1%eth0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := upstreams(file + ".missing"); len(got) > 0 {
		t.Errorf("a file that is not there names %q", got)
	}
}

func TestTheServiceHasTheTenthAddress(t *testing.T) {
	if got := ServiceIP(netip.MustParsePrefix("10.97.0.0/16")); got.String() != "10.97.0.10" {
		t.Errorf("got %s, want 10.97.0.10", got)
	}
}

func TestNamesAreSearchedForAsInAPod(t *testing.T) {
	for name, want := range map[string][]string{
		"web":             {"web.shop.svc.a.b.", "web.svc.a.b.", "web.a.b.", "web."},
		"web.shop.svc":    {"web.shop.svc.shop.svc.a.b.", "web.shop.svc.svc.a.b.", "web.shop.svc.a.b.", "web.shop.svc."},
		"example.com.":    {"example.com."},
		"1.0.96.10.in.ad": {"1.0.96.10.in.ad."},
	} {
		if got := searched(name, "shop", "a.b"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
