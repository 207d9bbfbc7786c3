package bridge

import (
	"context"
	"fmt"

	"sigs.k8s.io/knftables"
)

// masquerade writes our table: pods that talk to the outside do so with the node's address.
func (n *Network) masquerade(ctx context.Context) error {
	nft, err := knftables.New(knftables.IPv4Family, n.table())
	if err != nil {
		return fmt.Errorf("using nftables: %w", err)
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{Comment: knftables.PtrTo("pod network of " + n.options.Name)})
	tx.Add(&knftables.Chain{
		Name:     "postrouting",
		Type:     knftables.PtrTo(knftables.NATType),
		Hook:     knftables.PtrTo(knftables.PostroutingHook),
		Priority: knftables.PtrTo(knftables.SNATPriority),
	})
	tx.Flush(&knftables.Chain{Name: "postrouting"})
	tx.Add(&knftables.Rule{Chain: "postrouting", Rule: knftables.Concat(
		"oifname !=", quote(n.Interface()), "ip saddr", n.options.PodCIDR, "ip daddr !=", n.options.ClusterCIDR, "masquerade",
	)})
	return nft.Run(ctx, tx)
}

// unmasquerade removes our table.
func (n *Network) unmasquerade(ctx context.Context) error {
	nft, err := knftables.New(knftables.IPv4Family, n.table())
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
