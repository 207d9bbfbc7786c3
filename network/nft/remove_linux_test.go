package nft_test

import (
	"os"
	goruntime "runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
)

func TestTablesAreRemovedByWhatTheKernelHas(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	goruntime.LockOSThread() // and never unlocked: the thread ends with the test, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace can be made: %v", err)
	}
	for family, name := range map[knftables.Family]string{
		knftables.IPv4Family: "moon-a", knftables.IPv6Family: "moon-b", knftables.InetFamily: "sun",
	} {
		kernel, err := knftables.New(family, name)
		if err != nil {
			t.Skipf("nftables cannot be used: %v", err)
		}
		tx := kernel.NewTransaction()
		tx.Add(&knftables.Table{})
		if err := kernel.Run(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	if err := nft.RemoveTables(t.Context(), func(name string) bool {
		seen[name] = true
		return strings.HasPrefix(name, "moon-")
	}); err != nil {
		t.Fatal(err)
	}
	if !seen["moon-a"] || !seen["moon-b"] || !seen["sun"] {
		t.Errorf("the tables seen are %v, want those of each family", seen)
	}
	clear(seen)
	if err := nft.RemoveTables(t.Context(), func(name string) bool { seen[name] = true; return false }); err != nil {
		t.Fatal(err)
	}
	if seen["moon-a"] || seen["moon-b"] || !seen["sun"] {
		t.Errorf("the tables left are %v, want the sun alone", seen)
	}
}
