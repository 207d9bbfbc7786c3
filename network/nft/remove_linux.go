package nft

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// RemoveTables removes the tables of this network namespace whose names are chosen, whoever made them and whatever is in them. It
// needs root, and the nft program if there is such a table.
func RemoveTables(ctx context.Context, chosen func(name string) bool) error {
	var errs []error
	for family, number := range families {
		names, err := netlink{family: number}.tables()
		if err != nil {
			errs = append(errs, err)
		}
		for _, name := range names {
			if !chosen(name) {
				continue
			}
			table, err := New(family, name)
			if err == nil {
				err = table.Remove(ctx)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tables lists the names of all tables of the family. A kernel without nftables has none.
func (n netlink) tables() ([]string, error) {
	answers, err := n.ask(unix.NFT_MSG_GETTABLE, unix.NLM_F_DUMP)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EINVAL) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing nftables tables: %w", err)
	}
	names := make([]string, len(answers))
	for i, a := range answers {
		names[i] = a.text(unix.NFTA_TABLE_NAME)
	}
	return names, nil
}
