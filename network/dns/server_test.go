package dns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr/testr"
	"github.com/miekg/dns"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/await"
)

// answering is a Corefile that answers for one name.
func answering(name, address string) string {
	return fmt.Sprintf(".:53 {\n  errors\n  hosts {\n    %s %s\n  }\n  cache 30\n  reload\n}\n", address, name)
}

func started(t *testing.T) *server {
	t.Helper()
	s, err := newServer(Options{
		NodeName: "one", Domain: "cluster.local", Listen: netip.MustParseAddr("127.0.0.1"), Config: &rest.Config{Host: "http://127.0.0.1:1"},
		ResolvConf: filepath.Join(t.TempDir(), "resolv.conf"),
	}, testr.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// asked is what a server answers for the address of a name: the address, or what it says instead.
func asked(t *testing.T, s *server, name string) string {
	t.Helper()
	answer, err := s.ask(t.Context(), name, dns.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Answer) == 0 {
		return dns.RcodeToString[answer.Rcode]
	}
	return answer.Answer[0].(*dns.A).A.String()
}

func TestAServerGoesOverToAnotherCorefile(t *testing.T) {
	s := started(t)
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		if err := s.load(setup{corefile: answering("web.test", address)}); err != nil {
			t.Fatal(err)
		}
		if got := asked(t, s, "web.test"); got != address {
			t.Errorf("web.test is %s, want %s", got, address)
		}
	}
}

func TestABrokenCorefileLeavesTheOneBefore(t *testing.T) {
	s := started(t)
	good := setup{corefile: answering("web.test", "192.0.2.1")}
	if err := s.load(good); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{
		"", ".:53 {", ".:53 {\n  cache 30 {\n    nonsense\n  }\n}", ".:53 {\n  hosts {\n    nonsense\n  }\n  forward\n}",
		".:53 {\n  kubernetes cluster.local {\n    kubeconfig /etc/kubeconfig\n  }\n}",
		".:53 {\n  kubernetes cluster.local {\n    endpoint https://192.0.2.1\n  }\n}",
		".:53 {\n  errors\n}\n.:53 {\n  log\n}",
	} {
		err := s.load(setup{corefile: broken})
		if refused := (refusal{}); !errors.As(err, &refused) {
			t.Errorf("%q: got %v, want a refusal", broken, err)
		}
		if got := asked(t, s, "web.test"); got != "192.0.2.1" {
			t.Errorf("after %q web.test is %s, want 192.0.2.1", broken, got)
		}
		if running, refused := s.known(); running != good || refused.corefile != broken || s.problem() == nil {
			t.Errorf("it runs %q, has refused %q, and has the problem %v", running.corefile, refused.corefile, s.problem())
		}
	}
	if err := s.load(good); err != nil || s.problem() != nil {
		t.Errorf("with a good one again there is %v, and the problem %v", err, s.problem())
	}
}

func TestSeveralServersAreInOneProcess(t *testing.T) {
	one, two := started(t), started(t)
	for s, address := range map[*server]string{one: "192.0.2.1", two: "192.0.2.2"} {
		if err := s.load(setup{corefile: answering("web.test", address)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.load(setup{corefile: answering("web.test", "192.0.2.3")}); err != nil {
		t.Fatal(err)
	}
	if a, b := asked(t, one, "web.test"), asked(t, two, "web.test"); a != "192.0.2.3" || b != "192.0.2.2" {
		t.Errorf("they answer %s and %s, want 192.0.2.3 and 192.0.2.2", a, b)
	}
}

func TestNamesOfTheOutsideAreAskedOfTheResolvers(t *testing.T) {
	s := started(t)
	upstream := resolver(t, func(w dns.ResponseWriter, r *dns.Msg) {
		answer := new(dns.Msg).SetReply(r)
		record, err := dns.NewRR(r.Question[0].Name + " 60 IN A 203.0.113.7")
		if err != nil {
			t.Error(err)
		}
		answer.Answer = []dns.RR{record}
		_ = w.WriteMsg(answer) // who asked may have gone
	})
	corefile := strings.ReplaceAll(".:53 {\n  errors\n  forward . UPSTREAM\n  loop\n}\n", "UPSTREAM", upstream)
	if err := s.load(setup{corefile: corefile}); err != nil {
		t.Fatal(err)
	}
	if got := asked(t, s, "example.com"); got != "203.0.113.7" {
		t.Errorf("example.com is %s, want 203.0.113.7", got)
	}
	if s.problem() != nil {
		t.Errorf("there is a problem: %v", s.problem())
	}
}

func TestResolversThatAskUsAreFoundOut(t *testing.T) {
	s := started(t)
	corefile := ".:53 {\n  hosts {\n    192.0.2.1 web.test\n    fallthrough\n  }\n  forward . " + s.address() + "\n  loop\n}\n"
	if err := s.load(setup{corefile: corefile}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the loop to be found out", func() (string, bool) {
		return fmt.Sprint(s.problem()), errors.Is(s.problem(), errLoop)
	})
	if got := asked(t, s, "example.com"); got != "SERVFAIL" {
		t.Errorf("a name of the outside is %s, want SERVFAIL", got)
	}
	if got := asked(t, s, "web.test"); got != "192.0.2.1" {
		t.Errorf("a name of our own is %s, want 192.0.2.1", got)
	}
}

func TestNobodyElseCanBindWhereItListens(t *testing.T) {
	s := started(t)
	if err := s.load(setup{corefile: answering("web.test", "192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	address := s.address()
	if l, err := net.Listen("tcp", address); err == nil {
		_ = l.Close()
		t.Errorf("%s is free", address)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the port is free again", func() error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		return l.Close()
	})
}

// resolver is a DNS server of the test's own, until it ends.
func resolver(t *testing.T, answer dns.HandlerFunc) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan struct{})
	s := &dns.Server{PacketConn: packets, Handler: answer, NotifyStartedFunc: func() { close(listening) }}
	ended := make(chan error, 1)
	go func() { ended <- s.ActivateAndServe() }()
	<-listening
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return packets.LocalAddr().String()
}
