package dns

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// errLoop is the error of a question that would come back.
var errLoop = errors.New("the resolvers that names of the outside are asked of ask this server in turn")

const (
	// loopSeen is how often our own question may come by: once because we ask it, and once more because it was repeated.
	loopSeen = 2
	// loopPatience is how long we try to ask ourselves, and loopPause how long we rest in between.
	loopPatience, loopPause = 30 * time.Second, time.Second
)

// loopGuard stands before what forwards. It asks the server a question that nobody else asks: if that comes by again and again, the
// resolvers ask us, and nothing is forwarded to them any more. The plugin loop of CoreDNS finds out in the same way, and then ends
// the process, which here is all of the control plane.
type loopGuard struct {
	next     plugin.Handler
	question string
	seen     atomic.Int32
	found    func()
}

// setUpLoop sets up the directive loop.
func setUpLoop(c *caddy.Controller) error {
	s, err := serverOf(c)
	if err != nil {
		return err
	}
	for c.Next() {
		if c.NextArg() {
			return plugin.Error("loop", c.ArgErr())
		}
	}
	zone := strings.TrimPrefix(plugin.Host(c.ServerBlockKeys[0]).NormalizeExact()[0], ".")
	g := &loopGuard{question: strings.ToLower(rand.Text()) + "." + strings.ToLower(rand.Text()) + "." + zone, found: s.foundLoop}
	ctx, stop := context.WithCancel(context.Background())
	c.OnStartup(func() error {
		s.looping.Store(false)
		config := dnsserver.GetConfig(c)
		go g.ask(ctx, net.JoinHostPort(config.ListenHosts[0], config.Port))
		return nil
	})
	c.OnShutdown(func() error { stop(); return nil })
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		g.next = next
		return g
	})
	return nil
}

// ask asks the server until it answers.
func (g *loopGuard) ask(ctx context.Context, server string) {
	ctx, stop := context.WithTimeout(ctx, loopPatience)
	defer stop()
	question := new(dns.Msg).SetQuestion(g.question, dns.TypeHINFO)
	for {
		if _, _, err := new(dns.Client).ExchangeContext(ctx, question, server); err == nil || g.seen.Load() > loopSeen {
			return
		}
		g.seen.Store(0)
		select {
		case <-ctx.Done():
			return
		case <-time.After(loopPause):
		}
	}
}

// ServeDNS implements plugin.Handler.
func (g *loopGuard) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if r.Question[0].Qtype == dns.TypeHINFO && strings.EqualFold(r.Question[0].Name, g.question) {
		if g.seen.Add(1) == loopSeen+1 {
			g.found()
		}
	}
	if g.seen.Load() > loopSeen {
		return dns.RcodeServerFailure, errLoop
	}
	return plugin.NextOrFailure(g.Name(), g.next, ctx, w, r)
}

// Name implements plugin.Handler.
func (*loopGuard) Name() string { return "loop" }
