package nft

import (
	"context"
	"fmt"
	"sync"

	"sigs.k8s.io/knftables"
)

// Kernel is where one table is: that of this machine, or, in a test, one in memory.
type Kernel interface {
	NewTransaction() *knftables.Transaction
	Run(ctx context.Context, tx *knftables.Transaction) error

	// Generation is another number after each change to any table.
	Generation() (uint32, error)
	// Marks tells what the table holds, as of one generation; nil if there is no table.
	Marks() (*Marks, error)
}

// Client reads and writes one table of the kernel. It is safe for concurrent use.
type Client struct {
	name   string
	kernel Kernel

	mu sync.Mutex
	// written is what the kernel was left with, and the marks that it then had; nil when nobody knows, and unknown says why.
	written *Table
	left    *Marks
	unknown string
	// seen is what Read has found last, at a generation; nil when it has to look again.
	seen       *Table
	generation uint32
}

// New is a client for a table of this network namespace. It needs root and the nft program, and changes nothing yet.
func New(family knftables.Family, name string) (*Client, error) {
	nft, err := knftables.New(family, name)
	if err != nil {
		return nil, fmt.Errorf("using nftables (is the nft program installed?): %w", err)
	}
	return NewFor(name, machine{nft, netlink{families[family], name}}), nil
}

// machine is this machine's kernel: nft writes, netlink reads.
type machine struct {
	knftables.Interface
	netlink
}

// NewFor is a client for a table of some kernel.
func NewFor(name string, kernel Kernel) *Client {
	return &Client{name: name, kernel: kernel, unknown: "what is there was not written by this process"}
}

// Read tells what the kernel holds, in words of what was written last: what somebody else has changed is marked as foreign, and
// where that is not enough the whole table as unknown. It must not be changed. While nobody changes any table it costs one
// question.
func (c *Client) Read() (*Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	generation, err := c.kernel.Generation()
	if err != nil {
		return nil, fmt.Errorf("reading nftables table %s: %w", c.name, err)
	}
	if c.seen != nil && c.generation == generation {
		return c.seen, nil
	}
	marks, err := c.kernel.Marks()
	if err != nil {
		return nil, fmt.Errorf("reading nftables table %s: %w", c.name, err)
	}
	switch {
	case marks == nil:
		c.seen, c.generation = &Table{Name: c.name, Unknown: "it is not there"}, generation
	case c.written == nil:
		c.seen, c.generation = &Table{Name: c.name, Unknown: c.unknown}, marks.Generation
	default:
		c.seen, c.generation = marks.against(c.left, c.written), marks.Generation
	}
	return c.seen, nil
}

// Changed reports that somebody has changed nftables since the last Read or Write: this table, or another, which only Read can
// tell.
func (c *Client) Changed() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		return false, nil // who has to look again anyway does not have to be told
	}
	generation, err := c.kernel.Generation()
	if err != nil {
		return false, fmt.Errorf("asking for the generation of nftables: %w", err)
	}
	return generation != c.generation, nil
}

// Write carries a difference out, in one transaction. If that fails nothing has changed, as far as anybody knows, and the next Read
// says that the content is unknown.
func (c *Client) Write(ctx context.Context, d *Difference) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx := c.kernel.NewTransaction()
	d.addTo(tx)
	c.forget("changing it failed")
	if err := c.kernel.Run(ctx, tx); err != nil {
		return fmt.Errorf("changing nftables table %s: %w", c.name, err)
	}
	marks, err := c.kernel.Marks()
	if err != nil {
		return fmt.Errorf("reading nftables table %s after changing it: %w", c.name, err)
	}
	if !marks.fit(d.to) {
		c.forget("somebody else changed it while it was written")
		return nil
	}
	c.written, c.left = d.to, marks
	c.seen, c.generation = d.to, marks.Generation
	return nil
}

// Remove removes the table. It is no error if there is none.
func (c *Client) Remove(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx := c.kernel.NewTransaction()
	tx.Add(&knftables.Table{}) // deleting what is not there would be an error
	tx.Delete(&knftables.Table{})
	c.forget("it was removed")
	if err := c.kernel.Run(ctx, tx); err != nil {
		return fmt.Errorf("removing nftables table %s: %w", c.name, err)
	}
	return nil
}

// forget forgets what the kernel holds, and keeps why.
func (c *Client) forget(why string) {
	c.written, c.left, c.seen, c.unknown = nil, nil, nil, why
}
