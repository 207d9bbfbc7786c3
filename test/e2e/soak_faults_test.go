package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/test/soak"
)

// happens has a fault happen, and ends it: all members are well before and after it.
func (s *trial) happens(f soak.Fault) {
	s.t.Helper()
	leads, others := s.machines[0].leader()
	slices.SortFunc(others, func(a, b *cpMachine) int { return strings.Compare(a.name, b.name) })
	hit := leads
	if !f.Leader {
		hit = others[f.Follower]
	}
	began := time.Now()
	switch f.Kind {
	case soak.Kill:
		hit.isKilled()
		s.passes(f.Lasts)
		s.starts(hit)
	case soak.Pause:
		hit.isSent(syscall.SIGSTOP)
		s.passes(f.Lasts)
		hit.isSent(syscall.SIGCONT)
	case soak.Partition:
		hit.losesPackets("ip saddr { " + strings.Join(addresses(hit.others()), ", ") + " } drop")
		s.passes(f.Lasts)
		hit.losesNone()
	case soak.Loss:
		hit.losesPackets("iifname eth0 numgen random mod 4 == 0 drop")
		s.passes(f.Lasts)
		hit.losesNone()
	case soak.Defragment:
		s.defragments(hit)
	case soak.Snapshot:
		dir := s.t.TempDir()
		hit.does("snapshot", "save", "--dir", dir)
		paths, err := filepath.Glob(filepath.Join(dir, "*.tar.zst"))
		if err != nil || len(paths) == 0 {
			s.t.Fatalf("there is no snapshot in %s (%v)", dir, err)
		}
		for _, path := range paths {
			hit.orrery("snapshot", "verify", path)
			_ = os.Remove(path) // in hours there would be many
		}
	case soak.Replace:
		s.replaces(hit)
	default:
		s.t.Fatalf("nobody knows how to do %s", f)
	}
	for _, m := range s.machines {
		m.seesAllWell(len(s.machines))
	}
	s.t.Logf("  %s, which was %s; all are well again after %s", f, hit.name, time.Since(began).Round(100*time.Millisecond))
}

// passes lets a time pass, in which a fault is.
func (s *trial) passes(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.t.Context().Done():
	}
}

// starts starts a member again.
func (s *trial) starts(m *cpMachine) {
	s.t.Helper()
	if s.joined[m] {
		m.orrery("up", soakNodes)
	} else {
		m.orrery("up", "--runtime", "simulated", soakNodes)
	}
}

// joins has an empty machine become a member, by another one.
func (s *trial) joins(m, by *cpMachine) {
	s.t.Helper()
	command := by.joinCommand()
	for i, word := range command { // it names the first member, which may be this very machine
		if token, _, ok := strings.Cut(word, "@"); ok {
			command[i] = token + "@" + by.server()
		}
	}
	m.orrery(append(command, soakNodes)...)
	s.joined[m] = true
}

// replaces loses a member for good, and has its machine become one anew.
func (s *trial) replaces(m *cpMachine) {
	s.t.Helper()
	m.isKilled()
	by := m.others()[0]
	await.Success(s.t, m.name+" is removed", func() error {
		said, err := by.says("members", "remove", m.name)
		if list, unknown := by.listed(); err != nil && unknown == nil && len(list.Members) == len(s.machines)-1 {
			return nil // it was done, and nobody was told
		}
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	})
	m.orrery("reset", "--yes")
	s.joins(m, by)
}

// defragments has the etcd of a member write its file anew.
func (s *trial) defragments(m *cpMachine) {
	s.t.Helper()
	keys := filepath.Join(m.dir, m.instance, "apiserver", "pki")
	endpoint := "https://" + net.JoinHostPort(m.address(), "2379")
	config, err := transport.TLSInfo{
		TrustedCAFile: filepath.Join(keys, "etcd-ca.crt"),
		CertFile:      filepath.Join(keys, "etcd-member.crt"),
		KeyFile:       filepath.Join(keys, "etcd-member.key"),
	}.ClientConfig()
	if err != nil {
		s.t.Fatal(err)
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: config})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = etcd.Close() }() // whatever it says, it was of use
	asking, cancel := context.WithTimeout(s.t.Context(), await.Deadline)
	defer cancel()
	if _, err := etcd.Defragment(asking, endpoint); err != nil {
		s.t.Fatalf("defragmenting etcd of %s: %v", m.name, err)
	}
}

// others are the other machines of the control plane.
func (m *cpMachine) others() (all []*cpMachine) {
	for _, other := range m.cabinet.machines {
		if other != m {
			all = append(all, other)
		}
	}
	return all
}

// losesPackets has the kernel of a machine drop packets that it is sent, by a rule of nftables.
func (m *cpMachine) losesPackets(rule string) {
	m.t.Helper()
	m.filters("table inet soak { chain arriving { type filter hook input priority 0; " + rule + "; }; }")
}

func (m *cpMachine) losesNone() {
	m.t.Helper()
	m.filters("delete table inet soak")
}

// filters gives a script to nftables there.
func (m *cpMachine) filters(script string) {
	m.t.Helper()
	var said strings.Builder
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin, nft.Stdout, nft.Stderr = strings.NewReader(script), &said, &said
	err := m.net.Start(m.n, m.name, nft)
	if err == nil {
		err = nft.Wait()
	}
	if err != nil {
		m.t.Fatalf("nft on %s: %v: %s", m.name, err, said.String())
	}
}

func addresses(machines []*cpMachine) (all []string) {
	for _, m := range machines {
		all = append(all, m.address())
	}
	return all
}
