package bridge

import (
	"context"
	"fmt"

	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/ipfamily"
)

// writeTable writes our table: pods that talk to the outside do so with the node's address, and what is the host's own stays so.
func (n *Network) writeTable(ctx context.Context) error {
	nft, err := knftables.New(knftables.InetFamily, n.table())
	if err != nil {
		return fmt.Errorf("using nftables: %w", err)
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{Comment: knftables.PtrTo("pod network of " + n.options.Name)})
	n.guardLoopback(tx)
	n.masquerade(tx)
	n.dropRedirects(tx)
	return nft.Run(ctx, tx)
}

// guardLoopback drops what comes from pods to or from loopback addresses. The kernel does so by itself, until the portmap plugin has
// it route them at the bridge (route_localnet), so that host ports can be reached at 127.0.0.1; then a pod that may send what it
// likes would reach services of the host that listen there and trust whoever calls. Answers to the host's own connections are
// addressed to the gateway when they arrive.
func (n *Network) guardLoopback(tx *knftables.Transaction) {
	const chain = "guard-loopback"
	tx.Add(&knftables.Chain{
		Name:     chain,
		Type:     knftables.PtrTo(knftables.FilterType),
		Hook:     knftables.PtrTo(knftables.PreroutingHook),
		Priority: knftables.PtrTo(knftables.RawPriority),
	})
	tx.Flush(&knftables.Chain{Name: chain})
	for _, f := range n.families() {
		for _, end := range []string{"saddr", "daddr"} {
			tx.Add(&knftables.Rule{Chain: chain, Rule: knftables.Concat("iifname", quote(n.Interface()), f.Keyword(), end, f.Loopback(), "drop")})
		}
	}
}

func (n *Network) masquerade(tx *knftables.Transaction) {
	const chain = "postrouting"
	tx.Add(&knftables.Chain{
		Name:     chain,
		Type:     knftables.PtrTo(knftables.NATType),
		Hook:     knftables.PtrTo(knftables.PostroutingHook),
		Priority: knftables.PtrTo(knftables.SNATPriority),
	})
	tx.Flush(&knftables.Chain{Name: chain})
	for _, f := range n.families() {
		tx.Add(&knftables.Rule{Chain: chain, Rule: knftables.Concat(
			"oifname !=", quote(n.Interface()), f.Keyword(), "saddr", n.pods(f), f.Keyword(), "daddr !=", n.cluster(f), "masquerade",
		)})
	}
}

// dropRedirects keeps the host from telling pods to talk past it. In IPv6 no setting of the kernel does.
func (n *Network) dropRedirects(tx *knftables.Transaction) {
	if !n.pods(ipfamily.IPv6).IsValid() {
		return
	}
	const chain = "output"
	tx.Add(&knftables.Chain{
		Name:     chain,
		Type:     knftables.PtrTo(knftables.FilterType),
		Hook:     knftables.PtrTo(knftables.OutputHook),
		Priority: knftables.PtrTo(knftables.FilterPriority),
	})
	tx.Flush(&knftables.Chain{Name: chain})
	tx.Add(&knftables.Rule{Chain: chain, Rule: knftables.Concat("oifname", quote(n.Interface()), "icmpv6 type nd-redirect drop")})
}

// removeTable removes our table.
func (n *Network) removeTable(ctx context.Context) error {
	nft, err := knftables.New(knftables.InetFamily, n.table())
	if err != nil {
		return fmt.Errorf("using nftables: %w", err)
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{}) // deleting what is not there would be an error
	tx.Delete(&knftables.Table{})
	if err := nft.Run(ctx, tx); err != nil {
		return fmt.Errorf("removing nftables table %s: %w", n.table(), err)
	}
	return nil
}

func quote(name string) string { return `"` + name + `"` }
