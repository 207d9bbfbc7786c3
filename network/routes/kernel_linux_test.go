package routes

import (
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
)

// inNetwork has the test run in a network namespace of its own, which ends with it: one with a link eth0 of 192.0.2.1/24.
func inNetwork(t *testing.T) netlink.Link {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	runtime.LockOSThread() // for good: the thread ends with the test, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = "eth0"
	link := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	address := &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("192.0.2.1/24"))}
	address.IPNet.IP = []byte{192, 0, 2, 1}
	if err := netlink.AddrAdd(link, address); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	return link
}

// table shows the routes into the range of pods, whoever made them.
func shown(t *testing.T) string {
	t.Helper()
	all, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range all {
		if r.Dst != nil && inside(prefix(r.Dst), netip.MustParsePrefix("10.84.0.0/15")) {
			lines = append(lines, r.Dst.String()+" via "+r.Gw.String())
		}
	}
	return strings.Join(lines, "\n")
}

func TestRoutesInTheKernel(t *testing.T) {
	link := inNetwork(t)
	scheme := kruntime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	two := (*ocorev1.Node)(node("two", "192.0.2.2", 1, "10.84.1.0/24"))
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects((*ocorev1.Node)(node("one", "192.0.2.1", 0, "10.84.0.0/24")), two).Build()
	r := New(Options{NodeName: "one", ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.84.0.0/16")}}, api)
	sync := func(want string) {
		t.Helper()
		if err := r.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := shown(t); got != want {
			t.Errorf("the routes are\n%s\nwant\n%s", got, want)
		}
		if next, err := r.Inspector().Preview(t.Context(), "all"); err != nil || !strings.HasPrefix(next, "nothing to do") {
			t.Errorf("a second pass would: %s (%v)", next, err)
		}
	}

	sync("10.84.1.0/24 via 192.0.2.2")

	// Another instance's, and somebody's own: neither is touched.
	other := New(Options{NodeName: "one", ClusterCIDRs: []netip.Prefix{netip.MustParsePrefix("10.85.0.0/16")}}, api)
	theirs := Route{To: netip.MustParsePrefix("10.85.1.0/24"), Via: netip.MustParseAddr("192.0.2.7"), Link: "eth0"}
	if err := (kernel{}).add(theirs); err != nil {
		t.Fatal(err)
	}
	sync("10.84.1.0/24 via 192.0.2.2\n10.85.1.0/24 via 192.0.2.7")
	if err := other.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	sync("10.84.1.0/24 via 192.0.2.2")

	// The link goes down, and takes the routes with it.
	if err := netlink.LinkSetDown(link); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	sync("10.84.1.0/24 via 192.0.2.2")

	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(netip.MustParsePrefix("10.84.2.0/24")), Gw: []byte{192, 0, 2, 9}}); err != nil {
		t.Fatal(err)
	}
	three := (*ocorev1.Node)(node("three", "192.0.2.3", 2, "10.84.2.0/24"))
	if err := api.Create(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	if err := r.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "ip route delete 10.84.2.0/24") {
		t.Errorf("the error about a route that somebody else has is %v", err)
	}
	if err := api.Delete(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	sync("10.84.2.0/24 via 192.0.2.9")
}

func TestRemoveLeavesTheRoutesOfOthers(t *testing.T) {
	link := inNetwork(t)
	for _, to := range []string{"10.84.1.0/24", "10.84.2.0/24", "10.85.1.0/24"} {
		r := Route{To: netip.MustParsePrefix(to), Via: netip.MustParseAddr("192.0.2.2"), Link: "eth0"}
		if err := (kernel{}).add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(netip.MustParsePrefix("10.84.3.0/24")), Gw: []byte{192, 0, 2, 9}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Remove(netip.MustParsePrefix("10.84.0.0/16")); err != nil {
			t.Fatal(err)
		}
		if got, want := shown(t), "10.84.3.0/24 via 192.0.2.9\n10.85.1.0/24 via 192.0.2.2"; got != want {
			t.Errorf("the routes are\n%s\nwant\n%s", got, want)
		}
	}
}
