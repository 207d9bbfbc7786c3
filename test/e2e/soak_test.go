package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubectl/pkg/util/podutils"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/test/soak"
)

// How long members are soaked, and in what: `make soak` says so.
var (
	soakMinutes = flag.Int("soak.minutes", 0, "how many minutes faults happen to three members; 0 is one short round")
	soakSeed    = flag.Uint64("soak.seed", 0, "what the faults are drawn from; 0 is the short round's own seed, and one by chance for minutes")
)

const (
	// shortSeed is one that begins with a leader that is killed, one that is cut off, and a member that is paused.
	shortSeed, shortFaults = 20988, 3
	// clientsOfEach is how many clients ask each member.
	clientsOfEach = 2
	// soakNodes are simulated, on whichever member leads.
	soakNodes = "--nodes=3"
)

// TestThreeMembersBearFaults lets faults happen to three members, one at a time, while clients of each read, write and watch, and judges
// what they were told. At a failure it leaves the history of the round, and pictures of what cannot be.
func TestThreeMembersBearFaults(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	seed, faults := *soakSeed, shortFaults
	switch {
	case *soakMinutes > 0:
		faults = soak.Kinds()
		if seed == 0 {
			seed = rand.Uint64N(1e9) + 1
		}
	case seed == 0:
		seed = shortSeed
	}
	s := newTrial(t, seed)
	ends := time.Now().Add(time.Duration(*soakMinutes) * time.Minute)
	for round := uint64(0); ; round++ {
		s.round(round, soak.Plan(seed, round, len(s.machines), faults))
		if t.Failed() || time.Now().After(ends) {
			return
		}
	}
}

// trial is three members that are soaked.
type trial struct {
	*cabinet
	t    *testing.T
	seed uint64
	// members are the API servers, in the order of the machines.
	members []kubernetes.Interface
	// joined are the machines that became members by another one.
	joined map[*cpMachine]bool
}

func newTrial(t *testing.T, seed uint64) *trial {
	t.Helper()
	s := &trial{cabinet: newCabinet(t, 3), t: t, seed: seed, joined: map[*cpMachine]bool{}}
	one := s.machines[0]
	one.orrery("up", "--runtime", "simulated", soakNodes, "--bind-address", one.address())
	for _, m := range s.machines[1:] {
		s.joins(m, one)
	}
	for _, m := range s.machines {
		m.seesAllWell(len(s.machines))
		api, err := kubernetes.NewForConfig(one.admin("https://" + m.server()))
		if err != nil {
			t.Fatal(err)
		}
		s.members = append(s.members, api)
	}
	one.does("kubectl", "create", "deployment", "web", "--image", "web", "--replicas", "4")
	t.Logf("seed %d", seed)
	return s
}

// round lets faults happen while clients work in a namespace of its own, and judges.
func (s *trial) round(n uint64, faults []soak.Fault) {
	s.t.Helper()
	s.t.Logf("round %d", n)
	began := time.Now()
	l := &ledger{namespace: "soak-" + strconv.FormatUint(n, 10), began: began}
	s.exists(l.namespace)
	clients, watchers := s.clients(l, n), s.watchers(l)
	for i := range contended {
		s.settles(clients[0], contendedName(i))
	}
	var working, watching sync.WaitGroup
	work, endWork := context.WithCancel(s.t.Context())
	watches, endWatches := context.WithCancel(s.t.Context())
	defer working.Wait()
	defer watching.Wait()
	defer endWork()
	defer endWatches()
	for _, c := range clients {
		working.Go(func() { c.run(work) })
	}
	for _, w := range watchers {
		watching.Go(func() { w.run(watches) })
	}
	replicas := 2 + int(s.seed+n)%5
	for i, f := range faults {
		if i == len(faults)/2 { // amid all that
			s.machines[0].does("kubectl", "scale", "deployment", "web", "--replicas", strconv.Itoa(replicas))
		}
		s.happens(f)
	}
	endWork()
	working.Wait()

	last := s.settles(clients[0], "last")
	for _, w := range watchers {
		await.Until(s.t, "watch "+w.told.Name+" to tell of the last change", func() (string, bool) {
			seen := w.seen.Load()
			return fmt.Sprintf("version %d of %d", seen, last), seen >= last
		})
	}
	endWatches()
	watching.Wait()
	for _, c := range clients { // by each member
		await.Success(s.t, "all objects are listed", func() error { return c.list(s.t.Context(), l.written()) })
	}
	s.hasReplicas(replicas)
	s.judges(l, watchers)
	s.t.Logf("  in %s: %s", time.Since(began).Round(time.Second), l.summary(watchers))
	if err := s.members[0].CoreV1().Namespaces().Delete(s.t.Context(), l.namespace, metav1.DeleteOptions{}); err != nil {
		s.t.Errorf("deleting the namespace of the round: %v", err)
	}
}

// exists makes the namespace of a round.
func (s *trial) exists(namespace string) {
	s.t.Helper()
	await.Success(s.t, "namespace "+namespace+" is made", func() error {
		_, err := s.members[0].CoreV1().Namespaces().Create(s.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

func (s *trial) clients(l *ledger, round uint64) (all []*soakClient) {
	for n := range clientsOfEach * len(s.members) {
		all = append(all, &soakClient{ledger: l, n: n, api: s.members[n%len(s.members)], random: rand.New(rand.NewPCG(s.seed+round, uint64(n)))})
	}
	return all
}

func (s *trial) watchers(l *ledger) (all []*watcher) {
	for n := range s.members {
		all = append(all, &watcher{namespace: l.namespace, members: s.members, at: n, told: soak.Watch{Name: strconv.Itoa(n)}})
	}
	return all
}

// settles has an object made, whatever that takes, and returns the version that it has then.
func (s *trial) settles(c *soakClient, name string) (version uint64) {
	s.t.Helper()
	await.Success(s.t, name+" is made", func() error {
		_ = c.create(s.t.Context(), name) // whether it was, is read
		read, err := c.get(s.t.Context(), name)
		if version = read.Version; err == nil && version == 0 {
			return fmt.Errorf("%s is not there", name)
		}
		return err
	})
	return version
}

// hasReplicas waits until the Deployment has what it is to have, and nothing twice.
func (s *trial) hasReplicas(want int) {
	s.t.Helper()
	await.Until(s.t, fmt.Sprintf("exactly %d pods of one ReplicaSet to be ready, each on a node", want), func() (string, bool) {
		selector := metav1.ListOptions{LabelSelector: "app=web"}
		pods, err := s.members[0].CoreV1().Pods(metav1.NamespaceDefault).List(s.t.Context(), selector)
		if err != nil {
			return err.Error(), false
		}
		sets, err := s.members[0].AppsV1().ReplicaSets(metav1.NamespaceDefault).List(s.t.Context(), selector)
		if err != nil {
			return err.Error(), false
		}
		ready, seen := 0, []string{}
		for i := range pods.Items {
			p := &pods.Items[i]
			if podutils.IsPodReady(p) && p.DeletionTimestamp == nil && p.Spec.NodeName != "" {
				ready++
			}
			seen = append(seen, p.Name+" "+string(p.Status.Phase))
		}
		return fmt.Sprintf("%d ReplicaSets and %s", len(sets.Items), strings.Join(seen, ", ")), ready == want && len(pods.Items) == want && len(sets.Items) == 1
	})
}

// judges says what cannot be, and leaves what it knows of it.
func (s *trial) judges(l *ledger, watchers []*watcher) {
	s.t.Helper()
	var watches []soak.Watch
	for _, w := range watchers {
		watches = append(watches, w.told)
	}
	findings, wrong := soak.Registers(l.history, watches), soak.Watches(l.history, watches)
	if len(findings)+len(wrong) == 0 {
		return
	}
	dir, err := os.MkdirTemp("", "orrery-soak-")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range findings {
		s.t.Error(f.Why)
		if err := f.Picture(filepath.Join(dir, f.Object+".html")); err != nil {
			s.t.Error(err)
		}
	}
	for _, why := range wrong {
		s.t.Error(why)
	}
	for name, what := range map[string]any{"history.json": l.history, "watches.json": watches} {
		text, err := json.Marshal(what)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			s.t.Error(err)
		}
	}
	s.t.Errorf("seed %d: the history of the round, and pictures of what cannot be, are in %s", s.seed, dir)
}

// written are the objects that somebody has tried to write.
func (l *ledger) written() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, o := range l.history {
		if o.Verb == soak.Write && !seen[o.Object] {
			seen[o.Object] = true
			all = append(all, o.Object)
		}
	}
	return all
}

// summary counts what was judged.
func (l *ledger) summary(watchers []*watcher) string {
	reads, writes, notices, lists := 0, map[soak.Outcome]int{}, 0, 0
	for _, o := range l.history {
		if o.Verb == soak.Write {
			writes[o.Result]++
		} else if o.Result == soak.Acknowledged {
			reads++
		}
	}
	for _, w := range watchers {
		for _, n := range w.told.Notices {
			if notices++; n.Kind == soak.Listed {
				lists++
			}
		}
	}
	return fmt.Sprintf("%d reads; writes: %d acknowledged, %d refused, %d of unknown outcome; %d notices of watches, with %d lists",
		reads, writes[soak.Acknowledged], writes[soak.Refused], writes[soak.Unknown], notices, lists)
}
