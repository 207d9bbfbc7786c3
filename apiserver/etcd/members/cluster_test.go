package members_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/await"
)

// machine is one of those of a cluster: an address of the loopback interface of its own, so that no two tests want the same port.
type machine struct {
	t       *testing.T
	dir     string
	peering etcd.Peering
	server  *etcd.Server
	client  *clientv3.Client
	stop    context.CancelFunc // of its loop
}

// newMachines are n of them that one authority knows.
func newMachines(t *testing.T, n int) []*machine {
	t.Helper()
	store, err := pki.Open(t.TempDir(), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	var addresses []net.IP
	for i := range n {
		addresses = append(addresses, net.IPv4(127, byte(64+i), byte(os.Getpid()>>8), byte(os.Getpid())))
	}
	files, err := store.KeepMember(nil, addresses)
	if err != nil {
		t.Fatal(err)
	}
	var all []*machine
	for i, ip := range addresses {
		address, _ := netip.AddrFromSlice(ip.To4())
		all = append(all, &machine{t: t, dir: t.TempDir(), peering: etcd.Peering{
			Name: []string{"one", "two", "three"}[i],
			Peer: netip.AddrPortFrom(address, etcd.PeerPort), Client: netip.AddrPortFrom(address, etcd.ClientPort),
			CAFile: files.Authority, CertFile: files.Certificate, KeyFile: files.Key,
		}})
	}
	return all
}

// begin starts the member.
func (m *machine) begin() error {
	m.t.Helper()
	var err error
	if m.server, err = etcd.Start(m.t.Context(), etcd.Options{Dir: m.dir, Ephemeral: true, Peering: &m.peering}); err != nil {
		return err
	}
	server := m.server
	m.t.Cleanup(func() { _ = server.Stop() }) // one that has lost its quorum may take long
	return nil
}

// run starts the member, and its loop when it votes.
func (m *machine) run() {
	m.t.Helper()
	if err := m.begin(); err != nil {
		m.t.Fatalf("starting %s: %v", m.peering.Name, err)
	}
	if err := m.server.AwaitVote(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.connect()
	ctx, stop := context.WithCancel(m.t.Context())
	m.stop = stop
	e := engine.New(members.New(m.client, m.peering.PeerURL()), engine.Options[engine.One]{Name: "members"})
	e.Wake(engine.One{})
	go e.Run(ctx)
}

func (m *machine) connect() {
	m.t.Helper()
	info := transport.TLSInfo{TrustedCAFile: m.peering.CAFile, CertFile: m.peering.CertFile, KeyFile: m.peering.KeyFile}
	tls, err := info.ClientConfig()
	if err != nil {
		m.t.Fatal(err)
	}
	m.client, err = clientv3.New(clientv3.Config{Endpoints: []string{m.peering.ClientURL()}, TLS: tls, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		m.t.Fatal(err)
	}
	client := m.client
	m.t.Cleanup(func() { _ = client.Close() })
}

// end stops the member and its loop.
func (m *machine) end() {
	m.t.Helper()
	m.stop()
	if err := m.server.Stop(); err != nil {
		m.t.Error(err)
	}
}

// joins adds the member to those that another one knows.
func (m *machine) joins(other *machine) {
	m.t.Helper()
	world := other.look()
	if err := world.CheckJoin(m.peering.Name, m.peering.PeerURL()); err != nil {
		m.t.Fatal(err)
	}
	var err error
	if m.peering.Cluster, err = members.Add(m.t.Context(), other.client, world, m.peering.Name, m.peering.PeerURL()); err != nil {
		m.t.Fatal(err)
	}
	m.run()
}

func (m *machine) look() members.World {
	m.t.Helper()
	world, err := members.Look(m.t.Context(), m.client)
	if err != nil {
		m.t.Fatal(err)
	}
	return world
}

func (m *machine) put(key string) error {
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
	defer cancel()
	_, err := m.client.Put(ctx, key, m.peering.Name)
	return err
}

// has waits until the member has a key itself.
func (m *machine) has(key string) {
	m.t.Helper()
	await.Success(m.t, "member "+m.peering.Name+" has key "+key, func() error {
		got, err := m.client.Get(m.t.Context(), key, clientv3.WithSerializable())
		if err == nil && len(got.Kvs) != 1 {
			err = errors.New("it has not")
		}
		return err
	})
}

// leader is the machine whose member leads.
func leader(t *testing.T, all []*machine) (leads *machine, others []*machine) {
	t.Helper()
	for _, m := range all {
		world := m.look()
		if own, ok := world.Own(); ok && own.ID == world.Leader() {
			leads = m
		} else {
			others = append(others, m)
		}
	}
	if leads == nil {
		t.Fatal("nobody leads")
	}
	return leads, others
}

// TestTheLifeOfACluster is one story, because etcd takes its time: it wants members to have been connected for five seconds before it lets
// another one in.
func TestTheLifeOfACluster(t *testing.T) {
	all := newMachines(t, 3)
	one, two, three := all[0], all[1], all[2]
	one.run()
	if err := one.put("first"); err != nil {
		t.Fatal(err)
	}
	two.joins(one)
	two.has("first")
	three.joins(two)
	if world := one.look(); world.Advice() != "" || world.Problem() != nil {
		t.Errorf("three members are told %q and %v", world.Advice(), world.Problem())
	}
	bearsTheLossOfTheLeader(t, all)
	three.end()
	removes(t, one, three)
	goesOnAlone(t, one, two)
	wantRemoved(t, two, two.begin()) // from what went on without it
}

func bearsTheLossOfTheLeader(t *testing.T, all []*machine) {
	leads, others := leader(t, all)
	leads.end()
	if err := others[0].put("without the one that led"); err != nil {
		t.Fatalf("writing when the leader is gone: %v", err)
	}
	world := others[1].look()
	gone, err := world.Named(leads.peering.Name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := world.Named(others[0].peering.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := world.CheckRemoval(other); err == nil || !strings.Contains(err.Error(), "cost the quorum") {
		t.Errorf("with one of three gone another may be removed: %v", err)
	}
	if err := world.CheckRemoval(gone); err != nil {
		t.Errorf("the one that is gone may not be removed: %v", err)
	}
	leads.run()
	leads.has("without the one that led")
}

// removes has a member remove another one that does not run.
func removes(t *testing.T, by, m *machine) {
	member, err := by.look().Named(m.peering.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := members.Remove(t.Context(), by.client, member); err != nil {
		t.Fatal(err)
	}
	wantRemoved(t, m, m.begin()) // by the others
	wantRemoved(t, m, m.begin()) // by itself
}

func wantRemoved(t *testing.T, m *machine, err error) {
	t.Helper()
	var removed *etcd.RemovedError
	if !errors.As(err, &removed) || removed.Dir != m.dir {
		t.Errorf("starting %s gives %v, want a RemovedError for %s", m.peering.Name, err, m.dir)
	}
}

// goesOnAlone has what is left of a lost quorum be a cluster of its own.
func goesOnAlone(t *testing.T, m, lost *machine) {
	if err := m.put("kept"); err != nil {
		t.Fatal(err)
	}
	lost.end()
	if problem := m.look().Problem(); problem == nil || !strings.Contains(problem.Error(), "the quorum is lost") {
		t.Errorf("without a quorum the problem is %v", problem)
	}
	m.stop()
	_ = m.server.Stop() // which has nobody to hand over to
	m.peering.ForceNew = true
	m.run()
	m.has("kept")
	if err := m.put("alone"); err != nil {
		t.Error(err)
	}
	if world := m.look(); len(world.Members) != 1 || world.Problem() != nil {
		t.Errorf("the cluster that was left is %+v", world)
	}
}
