package nft_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

// tableWith is a table with a chain that jumps into another, a map that leads there, a set, and one that rules fill.
func tableWith(changes ...func(*nft.Table)) *nft.Table {
	t := &nft.Table{
		Family: knftables.IPv4Family, Name: "lamps", Comment: "who is lit",
		Chains: []nft.Chain{
			{Name: "forward", Base: &nft.Base{Type: knftables.FilterType, Hook: knftables.ForwardHook, Priority: "filter"}, Rules: []string{"ip saddr @dark drop", "jump light"}},
			{Name: "hall", Rules: []string{"accept"}, Why: "there is a hall"},
			{Name: "light", Rules: []string{"ip daddr vmap @rooms"}},
		},
		Sets: []nft.Set{
			{Name: "dark", Type: "ipv4_addr", Elements: []nft.Element{{Key: "10.0.0.1", Why: "it is off"}}},
			{Name: "rooms", Type: "ipv4_addr : verdict", Elements: []nft.Element{{Key: "10.0.0.2", Value: "goto hall", Comment: "hall", Why: "there is a hall"}}},
			{Name: "visitors", Type: "ipv4_addr", Timeout: time.Minute},
		},
	}
	for _, change := range changes {
		change(t)
	}
	return t
}

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		name            string
		present, wanted *nft.Table
		want            string
	}{
		{"there is none between equal contents", tableWith(), tableWith(), ``},
		{"why something is there is no content", tableWith(), tableWith(func(t *nft.Table) { t.Chains[1].Why, t.Sets[0].Elements[0].Why = "", "" }), ``},
		{"elements with one reason share a line", tableWith(), tableWith(func(t *nft.Table) {
			t.Sets[0].Elements = append(t.Sets[0].Elements, nft.Element{Key: "10.0.0.3", Why: "it is off"}, nft.Element{Key: "10.0.0.4", Why: "it is off"}, nft.Element{Key: "10.0.0.5", Why: "it is broken"})
		}), `
add 2 elements to set dark: it is off
add element 10.0.0.5 to set dark: it is broken`},
		{"an element goes", tableWith(), tableWith(func(t *nft.Table) { t.Sets[0].Elements = nil }), `
delete element 10.0.0.1 from set dark`},
		{"an element leads elsewhere", tableWith(), tableWith(func(t *nft.Table) { t.Sets[1].Elements[0].Value = "drop" }), `
change element 10.0.0.2 of map rooms from "goto hall" to "drop": there is a hall`},
		{"a chain and what leads to it come", tableWith(), tableWith(func(t *nft.Table) {
			t.Chains = append(t.Chains, nft.Chain{Name: "attic", Rules: []string{"drop"}, Why: "there is an attic"})
			t.Sets[1].Elements = append(t.Sets[1].Elements, nft.Element{Key: "10.0.0.6", Value: "goto attic", Why: "there is an attic"})
		}), `
add element 10.0.0.6 to map rooms: there is an attic
add chain attic with 1 rule: there is an attic`},
		{"a chain and what leads to it go", tableWith(), tableWith(func(t *nft.Table) {
			t.Chains = append(t.Chains[:1:1], t.Chains[2])
			t.Sets[1].Elements = nil
		}), `
delete element 10.0.0.2 from map rooms
delete chain hall`},
		{"a chain goes with the map that leads to it", tableWith(), tableWith(func(t *nft.Table) {
			t.Chains = []nft.Chain{t.Chains[0], {Name: "light", Rules: []string{"accept"}, Why: "there are no rooms"}}
			t.Sets = []nft.Set{t.Sets[0], t.Sets[2]}
		}), `
write 1 rule to chain light: there are no rooms
delete chain hall
delete map rooms`},
		{"a set comes with its elements", tableWith(), tableWith(func(t *nft.Table) {
			t.Sets = append(t.Sets, nft.Set{Name: "bright", Type: "ipv4_addr", Elements: []nft.Element{{Key: "10.0.0.7"}}})
		}), `
add element 10.0.0.7 to set bright
add set bright`},
		{"a chain that somebody else changed is written again", tableWith(func(t *nft.Table) { t.Chains[1].Foreign = true }), tableWith(), `
write 1 rule to chain hall: somebody else has changed it`},
		{"a set that somebody else changed is written again", tableWith(func(t *nft.Table) { t.Sets[0].Foreign = true }), tableWith(), `
write 1 element to set dark: somebody else has changed it`},
		{"a table of which nothing is known is replaced", &nft.Table{Unknown: "nobody looked"}, tableWith(), `
write table lamps anew, with 3 chains and 3 sets: nobody looked`},
		{"a table is replaced when a chain is hooked in elsewhere", tableWith(), tableWith(func(t *nft.Table) {
			t.Chains[0].Base = &nft.Base{Type: knftables.FilterType, Hook: knftables.InputHook, Priority: "filter"}
		}), `
write table lamps anew, with 3 chains and 3 sets: chain forward is passed elsewhere from now on`},
		{"a table is replaced when a set gets another type", tableWith(), tableWith(func(t *nft.Table) { t.Sets[2].Timeout = time.Hour }), `
write table lamps anew, with 3 chains and 3 sets: set visitors has another type from now on`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := nft.Compare(c.present, c.wanted)
			if diff := cmp.Diff(strings.TrimSpace(c.want), d.String()); diff != "" {
				t.Errorf("the difference (-want +got):\n%s", diff)
			}
			if d.Empty() != (c.want == "") {
				t.Errorf("is empty: %t", d.Empty())
			}
		})
	}
}

func TestALongDifferenceIsCut(t *testing.T) {
	d := nft.Compare(tableWith(), tableWith(func(t *nft.Table) {
		for i := range 100 {
			t.Chains = append(t.Chains, nft.Chain{Name: "room-" + strings.Repeat("i", i)})
		}
	}))
	if got := strings.Split(d.String(), "\n"); len(got) != 41 || got[40] != "and 60 more changes" || len(d.Lines()) != 100 {
		t.Errorf("prints %d lines, the last is %q", len(got), got[len(got)-1])
	}
}

// TestDifferencesAreCarriedOut writes one content after another, and compares each with the content written anew.
func TestDifferencesAreCarriedOut(t *testing.T) {
	less := tableWith(func(t *nft.Table) {
		t.Chains = []nft.Chain{t.Chains[0], {Name: "light", Rules: []string{"accept"}}}
		t.Sets = []nft.Set{{Name: "dark", Type: "ipv4_addr"}}
	})
	moved := tableWith(func(t *nft.Table) { t.Sets[1].Elements[0].Value, t.Sets[2].Timeout = "drop", time.Hour })
	stepwise := nfttest.New(knftables.IPv4Family, "lamps")
	client := nft.NewFor("lamps", stepwise)
	for _, wanted := range []*nft.Table{tableWith(), less, tableWith(), moved, less} {
		write(t, client, wanted)
		fresh := nfttest.New(knftables.IPv4Family, "lamps")
		write(t, nft.NewFor("lamps", fresh), wanted)
		if diff := cmp.Diff(fresh.Dump(), stepwise.Dump()); diff != "" {
			t.Errorf("the table differs (-written anew +changed):\n%s", diff)
		}
	}
}

// write brings a kernel's table to a content, and checks that it is then read as that.
func write(t *testing.T, client *nft.Client, wanted *nft.Table) {
	t.Helper()
	present, err := client.Read()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Write(t.Context(), nft.Compare(present, wanted)); err != nil {
		t.Fatal(err)
	}
	if present, err = client.Read(); err != nil {
		t.Fatal(err)
	}
	if d := nft.Compare(present, wanted); !d.Empty() {
		t.Fatalf("after writing, this is left to do:\n%s", d)
	}
}
