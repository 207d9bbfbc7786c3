package nft_test

import (
	"context"
	"strings"
	"testing"

	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// counting counts how often marks are read.
type counting struct {
	*nfttest.Kernel
	looks int
}

func (c *counting) Marks() (*nft.Marks, error) {
	c.looks++
	return c.Kernel.Marks()
}

func newKernel() (*counting, *nft.Client) {
	kernel := &counting{Kernel: nfttest.New(knftables.IPv4Family, "lamps")}
	return kernel, nft.NewFor("lamps", kernel)
}

// change has somebody else change the table.
func (c *counting) change(t *testing.T, change func(tx *knftables.Transaction)) {
	t.Helper()
	tx := c.NewTransaction()
	change(tx)
	if err := c.Run(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
}

func unknown(t *testing.T, client *nft.Client) string {
	t.Helper()
	present, err := client.Read()
	if err != nil {
		t.Fatal(err)
	}
	return present.Unknown
}

func TestWhatIsThereAtAStartIsUnknown(t *testing.T) {
	kernel, client := newKernel()
	if got := unknown(t, client); got != "it is not there" {
		t.Errorf("of no table it says %q", got)
	}
	write(t, client, tableWith())
	if got := unknown(t, nft.NewFor("lamps", kernel)); !strings.Contains(got, "not written by this process") {
		t.Errorf("of the table of a process before it says %q", got)
	}
}

func TestAWriteThatFailedLeavesTheContentUnknown(t *testing.T) {
	kernel, client := newKernel()
	write(t, client, tableWith())
	kernel.Fail = true
	if err := client.Write(t.Context(), nft.Compare(tableWith(), tableWith(func(t *nft.Table) { t.Sets[0].Elements = nil }))); err == nil {
		t.Fatal("no error")
	}
	if got := unknown(t, client); got != "changing it failed" {
		t.Errorf("it says %q", got)
	}
	write(t, client, tableWith())
}

func TestNothingIsReadWhileNobodyChangesAnything(t *testing.T) {
	kernel, client := newKernel()
	write(t, client, tableWith())
	before := kernel.looks
	for range 3 {
		if changed, err := client.Changed(); changed || err != nil {
			t.Errorf("changed: %t, error %v", changed, err)
		}
		unknown(t, client)
	}
	if kernel.looks != before {
		t.Errorf("%d looks at the table", kernel.looks-before)
	}
	kernel.change(t, func(tx *knftables.Transaction) { tx.Add(&knftables.Table{}) }) // which is there
	if changed, err := client.Changed(); !changed || err != nil {
		t.Errorf("after a change that leaves the table as it is, changed: %t, error %v", changed, err)
	}
	if unknown(t, client); kernel.looks != before+1 {
		t.Errorf("%d looks at the table, want one", kernel.looks-before)
	}
	if changed, err := client.Changed(); changed || err != nil {
		t.Errorf("after a look, changed: %t, error %v", changed, err)
	}
}

func TestForeignChangesAreFoundWhereTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		change func(tx *knftables.Transaction)
		want   string
	}{
		"in a chain": {func(tx *knftables.Transaction) { tx.Flush(&knftables.Chain{Name: "hall"}) }, "write 1 rule to chain hall: somebody else has changed it"},
		"in a chain whose rule was written again in the same words": {func(tx *knftables.Transaction) {
			tx.Flush(&knftables.Chain{Name: "hall"})
			tx.Add(&knftables.Rule{Chain: "hall", Rule: "accept"})
		}, "write 1 rule to chain hall: somebody else has changed it"},
		"in a set": {func(tx *knftables.Transaction) { tx.Flush(&knftables.Set{Name: "dark"}) }, "write 1 element to set dark: somebody else has changed it"},
		"in a map": {func(tx *knftables.Transaction) { tx.Flush(&knftables.Map{Name: "rooms"}) }, "write 1 element to map rooms: somebody else has changed it"},
		"nowhere, in a set that rules fill": {func(tx *knftables.Transaction) {
			tx.Add(&knftables.Element{Set: "visitors", Key: []string{"10.0.0.9"}})
		}, ""},
		"in the frame": {func(tx *knftables.Transaction) { tx.Add(&knftables.Chain{Name: "intruder"}) }, "write table lamps anew, with 3 chains and 3 sets: somebody else has changed it"},
		"everywhere":   {func(tx *knftables.Transaction) { tx.Delete(&knftables.Table{}) }, "write table lamps anew, with 3 chains and 3 sets: it is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			kernel, client := newKernel()
			write(t, client, tableWith())
			kernel.change(t, c.change)
			present, err := client.Read()
			if err != nil {
				t.Fatal(err)
			}
			if got := nft.Compare(present, tableWith()).String(); got != c.want {
				t.Errorf("the difference is %q, want %q", got, c.want)
			}
			write(t, client, tableWith())
		})
	}
}

// hasty is a kernel where somebody else changes the table right after every write.
type hasty struct{ *counting }

func (h *hasty) Marks() (*nft.Marks, error) {
	tx := h.NewTransaction()
	tx.Add(&knftables.Rule{Chain: "hall", Rule: "drop"})
	_ = h.Run(context.Background(), tx) // there may be no chain yet
	return h.counting.Marks()
}

func TestAChangeBetweenAWriteAndTheLookAfterItIsNotTakenForOurs(t *testing.T) {
	kernel, _ := newKernel()
	client := nft.NewFor("lamps", &hasty{kernel})
	if err := client.Write(t.Context(), nft.Compare(&nft.Table{Unknown: "it is not there"}, tableWith())); err != nil {
		t.Fatal(err)
	}
	if got := unknown(t, client); got != "somebody else changed it while it was written" {
		t.Errorf("it says %q", got)
	}
}
