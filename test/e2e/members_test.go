package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/servers"
)

func TestAControlPlaneOfThreeLosesItsLeader(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	c := newCabinet(t, 3)
	one, two, three := c.machines[0], c.machines[1], c.machines[2]
	const nodes = "--nodes=3" // on whichever member leads
	one.orrery("up", "--runtime", "simulated", nodes, "--bind-address", one.address())
	joinsByNothingElse(t, one, two)
	two.orrery(append(one.joinCommand(), nodes)...)
	if advice := two.members().Advice; !strings.Contains(advice, "an even number of members is pointless") {
		t.Errorf("two members are told %q", advice)
	}
	command := two.joinCommand()
	three.refuses("there is a member cp-2 already", append(command, "--member-name", "cp-2")...)
	three.orrery(append(command, nodes)...)
	if advice := three.members().Advice; advice != "" {
		t.Errorf("three members are told %q", advice)
	}

	one.does("kubectl", "create", "deployment", "web", "--image", "web", "--replicas", "4")
	const replicas = "{.status.readyReplicas}"
	one.becomes("4", "get", "deployment", "web", "-o", "jsonpath="+replicas)
	leads, others := one.leader()
	w := newWriters(t, leads, others)
	w.waitForWrites(20)
	before := time.Now()
	leads.isKilled()
	w.waitForWrites(20) // all of them after the kill
	t.Logf("writes went on %s after the leader was killed", w.longestSilence(before).Round(time.Millisecond))
	others[0].does("kubectl", "scale", "deployment", "web", "--replicas", "6")
	others[0].becomes("6", "get", "deployment", "web", "-o", "jsonpath="+replicas)
	w.end()
	w.lostNothing(others[1].admin("https://" + others[1].server()))
	await.Until(t, "the removal of one of two that answer to be refused", func() (string, bool) {
		said, err := others[0].says("members", "remove", others[1].name)
		return said, err != nil && strings.Contains(said, "it would cost the quorum")
	})

	leads.orrery("up", "--runtime", "simulated", nodes)
	others[0].seesAllWell(3)
}

// joinsByNothingElse has a machine try to become a member by what is not for that, and the cluster be as before.
func joinsByNothingElse(t *testing.T, member, guest *cpMachine) {
	command := strings.Fields(member.orrery("token", "create", "--print-join-command"))
	token, pin := command[5], command[7]
	guest.refuses("makes no members of the control plane", "up", "--join", token+"@"+member.server(), "--ca-hash", pin)
	guest.refuses("knows no token zzzzzz", "up", "--join", "zzzzzz.0123456789abcdef@"+member.server(), "--ca-hash", pin)
	other := "sha256:" + strings.Repeat("0", 64)
	guest.refuses("which --ca-hash does not name", "up", "--join", token+"@"+member.server(), "--ca-hash", other)
	guest.refuses("nothing listens at", "up", "--join", token+"@"+net.JoinHostPort(member.address(), "6444"), "--ca-hash", pin)
	if list := member.members(); len(list.Members) != 1 {
		t.Errorf("the members are %+v", list)
	}
}

// writers write all the time, through a balancer as a node has it, and keep what they were told.
type writers struct {
	t    *testing.T
	stop context.CancelFunc
	all  sync.WaitGroup

	mu    sync.Mutex
	acked []string
	at    []time.Time
}

const (
	writing       = 3
	writePause    = 20 * time.Millisecond
	writePatience = time.Second
)

func newWriters(t *testing.T, named *cpMachine, others []*cpMachine) *writers {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := named.admin("https://" + listener.Addr().String())
	balancer, err := servers.New(servers.Options{Listener: listener, Servers: []string{named.server()}, CA: admin.CAData})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := &writers{t: t, stop: stop}
	t.Cleanup(w.end)
	w.all.Go(func() { _ = balancer.Run(ctx) }) // that nobody is led anywhere is seen by who writes
	w.all.Go(func() { _ = servers.Follow(ctx, admin, balancer.Set) })
	await.Until(t, "the balancer to know all servers", func() (string, bool) {
		known := balancer.Servers()
		return strings.Join(known, " "), len(known) == 1+len(others)
	})
	api, err := kubernetes.NewForConfig(admin)
	if err != nil {
		t.Fatal(err)
	}
	for writer := range writing {
		w.all.Go(func() { w.write(ctx, api, writer) })
	}
	return w
}

// write writes one ConfigMap after the other, each under a name of its own. What has failed may have been written or not.
func (w *writers) write(ctx context.Context, api kubernetes.Interface, writer int) {
	pause := time.NewTicker(writePause)
	defer pause.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("written-%d-%d", writer, i)
		asking, cancel := context.WithTimeout(ctx, writePatience)
		_, err := api.CoreV1().ConfigMaps(metav1.NamespaceDefault).Create(asking, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		cancel()
		if err == nil {
			w.mu.Lock()
			w.acked, w.at = append(w.acked, name), append(w.at, time.Now())
			w.mu.Unlock()
		}
		<-pause.C
	}
}

// waitForWrites waits for so many more writes.
func (w *writers) waitForWrites(more int) {
	w.t.Helper()
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.acked)
	}
	want := count() + more
	await.Until(w.t, fmt.Sprintf("%d more writes", more), func() (string, bool) {
		n := count()
		return fmt.Sprintf("%d of %d", n, want), n >= want
	})
}

// longestSilence is the longest time without a write since a moment.
func (w *writers) longestSilence(since time.Time) (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := since
	for _, at := range w.at {
		if at.After(since) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// end ends all writing.
func (w *writers) end() {
	w.stop()
	w.all.Wait()
}

// lostNothing finds every write that was acknowledged.
func (w *writers) lostNothing(config *rest.Config) {
	w.t.Helper()
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := api.CoreV1().ConfigMaps(metav1.NamespaceDefault).List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]bool{}
	for i := range list.Items {
		found[list.Items[i].Name] = true
	}
	for _, name := range w.acked {
		if !found[name] {
			w.t.Errorf("ConfigMap %s was written, and is lost", name)
		}
	}
	w.t.Logf("%d writes were acknowledged, and all are there", len(w.acked))
}
