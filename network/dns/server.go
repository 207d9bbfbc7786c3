package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/caddy"
	"github.com/go-logr/logr"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// setup is what a server can be asked to run: a Corefile as a user has written it, and the resolvers of the machine.
type setup struct {
	corefile  string
	upstreams string // their addresses, with spaces between them
}

// refusal is why a Corefile cannot be run, whatever the machine is like.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// server runs CoreDNS in this process: at one address, from one Corefile at a time.
type server struct {
	options Options
	log     logr.Logger
	number  uint64
	port    int
	looping atomic.Bool

	mu       sync.Mutex
	instance *caddy.Instance
	metrics  net.Listener
	running  setup
	refused  setup
	why      error // of refused
}

// metricsPort is where what is counted can be read: CoreDNS's.
const metricsPort = 9153

var lastNumber atomic.Uint64

// newServer prepares a server. It listens only once a Corefile is loaded.
func newServer(o Options, log logr.Logger) (*server, error) {
	register()
	port, err := choosePort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("starting DNS: %w", err)
	}
	s := &server{options: o, log: log, number: lastNumber.Add(1), port: port}
	servers.Store(s.number, s)
	return s, nil
}

// choosePort is 53 if that is free at an address that others reach, or any other that is free for UDP and TCP.
func choosePort(listen netip.Addr) (int, error) {
	candidates := []int{53, 0, 0, 0, 0}
	if listen.IsLoopback() {
		candidates = candidates[1:]
	}
	var failed error
	for _, port := range candidates {
		packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(listen, uint16(port))))
		if err != nil {
			failed = err
			continue
		}
		port = packets.LocalAddr().(*net.UDPAddr).Port
		streams, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(listen, uint16(port))))
		failed = err
		if err == nil {
			failed = streams.Close()
		}
		if failed = errors.Join(failed, packets.Close()); failed == nil {
			return port, nil
		}
	}
	return 0, failed
}

// address is where the server listens.
func (s *server) address() string {
	return net.JoinHostPort(s.options.Listen.String(), strconv.Itoa(s.port))
}

// known is what the server runs, and what it was asked to run and cannot.
func (s *server) known() (running, refused setup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running, s.refused
}

// problem is what a user has to know of: that a Corefile was refused, or that resolvers ask us; nil if all is well.
func (s *server) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looping.Load() {
		return errors.Join(s.why, errLoop)
	}
	return s.why
}

// load runs another setup in the place of the one that runs. If it fails, that one goes on. A refusal says that the Corefile is
// wrong; any other error may pass.
func (s *server) load(next setup) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = refusal{panicked(r)}
		}
		if refused := (refusal{}); errors.As(err, &refused) {
			s.refused, s.why = next, err
		}
	}()
	text, err := translate(next.corefile, place{server: s.number, port: s.port, upstreams: strings.Fields(next.upstreams)})
	if err != nil {
		return refusal{err}
	}
	input := caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}
	if err := s.start(input); err != nil {
		return err
	}
	s.running, s.refused, s.why = next, setup{}, nil
	return nil
}

// loadInstead runs a setup in the place of one that was refused, which stays known as that.
func (s *server) loadInstead(other setup) error {
	s.mu.Lock()
	refused, why := s.refused, s.why
	s.mu.Unlock()
	err := s.load(other)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.why = refused, why
	return err
}

// caddyLock is for the registries of caddy and of plugins, which are the process's.
var caddyLock sync.Mutex

// start starts CoreDNS, or has it go over from what it runs.
func (s *server) start(input caddy.Input) error {
	caddyLock.Lock()
	defer caddyLock.Unlock()
	if err := caddy.ValidateAndExecuteDirectives(input, nil, true); err != nil {
		return refusal{err}
	}
	var err error
	if s.instance == nil {
		started, failed := caddy.Start(input)
		if failed == nil {
			s.instance = started
		} else {
			_ = started.ShutdownCallbacks() // what did start of it
		}
		err = failed
	} else {
		s.instance, err = s.instance.Restart(input)
	}
	if err != nil {
		return fmt.Errorf("starting DNS at %s: %w", s.address(), err)
	}
	s.awaitAnswers()
	return nil
}

// close ends the server.
func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	servers.Delete(s.number)
	if s.metrics != nil {
		_ = s.metrics.Close() // its end ends who serves it
	}
	if s.instance == nil {
		return nil
	}
	err := errors.Join(s.instance.ShutdownCallbacks()...)
	err = errors.Join(err, s.instance.Stop())
	s.instance = nil
	if err != nil {
		return fmt.Errorf("stopping DNS at %s: %w", s.address(), err)
	}
	return nil
}

// foundLoop is told that the resolvers ask us.
func (s *server) foundLoop() {
	s.looping.Store(true)
	s.log.Error(errLoop, "Names of the outside are not resolved", "resolvConf", s.options.ResolvConf)
}

// serveMetrics serves what CoreDNS counts, where others reach it. That it cannot is no reason to answer no questions.
func (s *server) serveMetrics() error {
	if s.metrics != nil || s.options.Listen.IsLoopback() {
		return nil
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.options.Listen.String(), strconv.Itoa(metricsPort)))
	if err != nil {
		s.log.Error(err, "The metrics of DNS are not served")
		return nil
	}
	s.metrics = listener
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(prometheus.GathererFunc(gather), promhttp.HandlerOpts{}))
	go func() {
		served := http.Server{Handler: mux, ReadTimeout: metricsTimeout, WriteTimeout: metricsTimeout}
		_ = served.Serve(listener) // until the listener is closed
	}()
	return nil
}

const metricsTimeout = 5 * time.Second

// gather is what CoreDNS counts, and not what others in this process do.
func gather() ([]*dto.MetricFamily, error) {
	all, err := prometheus.DefaultGatherer.Gather()
	var ours []*dto.MetricFamily
	for _, family := range all {
		if strings.HasPrefix(family.GetName(), "coredns_") {
			ours = append(ours, family)
		}
	}
	return ours, err
}

// ask asks the server a question, as anybody may.
func (s *server) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	client := dns.Client{}
	answer, _, err := client.ExchangeContext(ctx, question, s.address())
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.ExchangeContext(ctx, question, s.address())
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", s.address(), name, err)
	}
	return answer, nil
}
