package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/orrery-dev/orrery/framework/engine"
)

// checkDryRun refuses what writes in another way than by the plans of loops.
func (o *managerOptions) checkDryRun() error {
	for flag, given := range map[string]bool{
		"--scheduler":           o.scheduler,
		"--simulated-nodes":     o.nodes > 0,
		"--leader-elect":        o.election.election() != nil,
		"--webhook-cert-path":   o.webhooks.certDir != "",
		"--webhook-cert-secret": o.webhooks.secret != "",
	} {
		if o.dryRun && given {
			return fmt.Errorf("--dry-run prints the plans of control loops and writes nothing, which %s cannot do without: leave one of them out", flag)
		}
	}
	return nil
}

// plansTo prints what loops would do. A plan that is the same as the one before for its key is printed once.
type plansTo struct {
	mu   sync.Mutex
	out  io.Writer
	last map[string]string // by loop and key
}

func newPlansTo(out io.Writer) *plansTo { return &plansTo{out: out, last: map[string]string{}} }

// follow prints the plans of a loop from now on.
func (p *plansTo) follow(loop engine.Inspector) {
	loop.Follow(func(key string, pass engine.Pass) { p.print(loop.Name(), key, pass.Plan) })
}

func (p *plansTo) print(loop, key, plan string) {
	title := loop + " for " + strings.TrimPrefix(key, "/")
	steps, _, _ := strings.Cut(plan, "\nlook again in ") // which is sooner each time
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[title] == steps {
		return
	}
	p.last[title] = steps
	_, _ = fmt.Fprintf(p.out, "%s:\n  %s\n", title, strings.ReplaceAll(plan, "\n", "\n  "))
}
