package nfttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"sigs.k8s.io/knftables"

	"github.com/orrery-dev/orrery/network/nft"
)

// Kernel is a kernel with one table in memory. Whoever changes it by transactions of their own is somebody else to its client.
type Kernel struct {
	*knftables.Fake
	// Fail has the next transaction fail.
	Fail bool

	generation atomic.Uint32
}

var _ nft.Kernel = (*Kernel)(nil)

// New has no table yet.
func New(family knftables.Family, name string) *Kernel {
	return &Kernel{Fake: knftables.NewFake(family, name)}
}

// Run takes a transaction.
func (k *Kernel) Run(ctx context.Context, tx *knftables.Transaction) error {
	if k.Fail {
		k.Fail = false
		return errors.New("the kernel refuses")
	}
	if err := k.Fake.Run(ctx, tx); err != nil {
		return err
	}
	k.generation.Add(1)
	return nil
}

// Generation counts the transactions.
func (k *Kernel) Generation() (uint32, error) { return k.generation.Load(), nil }

// Marks are made of handles and, as elements have none, of the elements' text.
func (k *Kernel) Marks() (*nft.Marks, error) {
	k.RLock()
	defer k.RUnlock()
	table := k.Table
	if table == nil {
		return nil, nil //nolint:nilnil // it says that there is no table
	}
	m := &nft.Marks{Generation: k.generation.Load(), Chains: map[string]nft.Mark{}, Sets: map[string]nft.Mark{}}
	frame := []string{fmt.Sprint(*table.Handle, table.Flags, len(table.Counters), len(table.Flowtables))}
	for name, chain := range table.Chains {
		frame = append(frame, fmt.Sprint("chain ", name, *chain.Handle))
		var handles strings.Builder
		for _, rule := range chain.Rules {
			fmt.Fprintln(&handles, *rule.Handle)
		}
		m.Chains[name] = nft.Mark{Count: len(chain.Rules), Content: handles.String()}
	}
	for name, set := range table.Sets {
		frame = append(frame, fmt.Sprint("set ", name, *set.Handle))
		m.Sets[name] = nft.Mark{}
		if set.Timeout == nil {
			m.Sets[name] = elements(set.Elements)
		}
	}
	for name, set := range table.Maps {
		frame = append(frame, fmt.Sprint("map ", name, *set.Handle))
		m.Sets[name] = elements(set.Elements)
	}
	slices.Sort(frame)
	m.Frame = strings.Join(frame, "\n")
	return m, nil
}

// elements are told in any order.
func elements(all []*knftables.Element) nft.Mark {
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = strings.Join(e.Key, " . ") + " : " + strings.Join(e.Value, " . ")
		if e.Comment != nil {
			texts[i] += " " + *e.Comment
		}
	}
	slices.Sort(texts)
	return nft.Mark{Count: len(all), Content: strings.Join(texts, "\n")}
}
