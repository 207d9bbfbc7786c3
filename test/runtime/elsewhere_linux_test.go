package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// The test binary starts itself again to be what one process cannot be: a host with a network of its own, or a control plane
// that is killed. These variables tell the child.
const (
	inNetwork  = "ORRERY_TEST_IN_NETWORK"
	runRuntime = "ORRERY_TEST_RUN_RUNTIME"
)

func TestMain(m *testing.M) {
	if options := os.Getenv(runRuntime); options != "" {
		if err := runAsControlPlane(options); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runAsControlPlane runs a runtime until it is stopped or killed.
func runAsControlPlane(text string) error {
	var options containerd.Options
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return err
	}
	runtime, err := containerd.New(options)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return runtime.Run(ctx)
}

// hosts are the two kinds that there are, by the value of their net.bridge.bridge-nf-call-iptables, and of the same for IPv6.
var hosts = map[string]string{
	"on a host that filters what is bridged": "1",
	"on a host that does not":                "0",
}

// onEachHost runs a test on both kinds of hosts, each in a network namespace of its own: without a default route, and without
// anybody else.
func onEachHost(t *testing.T, test func(t *testing.T)) {
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	for name, filters := range hosts {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(inNetwork) == "" {
				runElsewhere(t)
				return
			}
			furnish(t, filters)
			test(t)
		})
	}
}

// runElsewhere has a child in a new network namespace run the same test.
func runElsewhere(t *testing.T) {
	t.Helper()
	var parts []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", strings.Join(parts, "/"))
	child.Env = append(os.Environ(), inNetwork+"=yes")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	said, err := child.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, said)
	case bytes.Contains(said, []byte("--- SKIP")):
		t.Skipf("%s", said)
	case !bytes.Contains(said, []byte("--- PASS")):
		t.Errorf("no test ran:\n%s", said)
	}
}

// furnish makes a new network namespace a host of one kind.
func furnish(t *testing.T, filters string) {
	t.Helper()
	loopback, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(loopback)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bridge-nf-call-iptables", "bridge-nf-call-ip6tables"} {
		err = os.WriteFile("/proc/sys/net/bridge/"+name, []byte(filters), 0o644)
		if errors.Is(err, os.ErrNotExist) && filters == "1" {
			t.Skip("the kernel has no br_netfilter")
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
