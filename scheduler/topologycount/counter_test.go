package topologycount_test

import (
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

var (
	keys   = []string{"zone", "rack", "host"}
	values = []string{"", "a", "b", "c"}
	apps   = []string{"web", "db"}
	places = []topologycount.Topology{{Key: "zone"}, {Key: "zone", MissingIsEmpty: true}, {Key: "host"}, {EachNode: true}}
)

// matching asks for the pods of an app. Nodes with the label "hidden" do not count, others do even without any.
func matching(app string, topology topologycount.Topology) topologycount.Query {
	return topologycount.Query{Name: app, Topology: topology, Count: func(node fwk.NodeInfo) (int64, bool) {
		if _, hidden := node.Node().Labels["hidden"]; hidden {
			return 0, false
		}
		var number int64
		for _, pod := range node.GetPods() {
			if pod.GetPod().Labels["app"] == app {
				number++
			}
		}
		return number, true
	}}
}

func TestKeeperCountsWhatARecountWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		t.Repeat(map[string]func(*rapid.T){
			"set a node": h.setNode, "remove a node": h.removeNode,
			"add a pod": h.addPod, "add another pod": h.addPod, "relabel a pod": h.relabelPod, "remove a pod": h.removePod,
			"catch up": h.catchUp, "try": h.try, "count": h.count, "count again": h.count,
		})
	})
}

// aCluster is a snapshot with nodes in zones and a pod of app web on each.
func aCluster(t testing.TB, nodes int) (*cache.Cache, *cache.Snapshot) {
	t.Helper()
	c, snapshot := cache.New(0), &cache.Snapshot{}
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i)
		c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"zone": fmt.Sprint(i % 3), "host": name}}})
		put(t, c, name)
	}
	c.Update(snapshot)
	return c, snapshot
}

func put(t testing.TB, c *cache.Cache, node string) {
	t.Helper()
	_, pods, _ := c.Size()
	name := types.UID(fmt.Sprintf("%s-%d", node, pods))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: string(name), UID: name, Labels: map[string]string{"app": "web"}}}
	pod.Spec.NodeName = node
	if err := c.AddPod(pod); err != nil {
		t.Fatal(err)
	}
}

func TestKeeperAsksOnlyWhatChanged(t *testing.T) {
	c, snapshot := aCluster(t, 300)
	counter, asked := topologycount.New(), 0
	query := matching("web", topologycount.Topology{Key: "zone"})
	ask := query.Count
	query.Count = func(node fwk.NodeInfo) (int64, bool) {
		asked++
		return ask(node)
	}
	count := func() *topologycount.Count {
		asked = 0
		counted, err := counter.Snapshot(snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := counted.Count(query)
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	first := count()
	if asked != 300 || first.Of("0") != 100 {
		t.Errorf("at first, asked %d nodes and counted %d in zone 0, want 300 and 100", asked, first.Of("0"))
	}
	if again := count(); asked != 0 || again != first {
		t.Errorf("asked %d nodes though nothing changed; the count is the same: %t", asked, again == first)
	}
	put(t, c, "node-3")
	c.Update(snapshot)
	if after := count(); asked != 1 || after.Of("0") != 101 || first.Of("0") != 100 {
		t.Errorf("after one pod, asked %d nodes and counted %d (before: %d), want 1, 101 and 100", asked, after.Of("0"), first.Of("0"))
	}
}

func TestKeeperAsksForTheFirstTimeOnlyNodesWithPodsOfTheKind(t *testing.T) {
	c, snapshot := aCluster(t, 300)
	for _, name := range []string{"node-3", "node-7"} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "db"}}}
		pod.Spec.NodeName = name
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	c.Update(snapshot)
	asked := 0
	query := matching("db", topologycount.Topology{Key: "zone"})
	query.Of = []topologycount.PodsWith{
		{Namespaces: []string{"default"}, Label: "app", Values: []string{"web", "db"}},
		{Namespaces: []string{"default"}, Label: "app", Values: []string{"db"}},
	}
	ask := query.Count
	query.Count = func(node fwk.NodeInfo) (int64, bool) {
		asked++
		return ask(node)
	}
	counted, err := topologycount.New().Snapshot(snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	count, err := counted.Count(query)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 2 || count.Of("0") != 1 || count.Of("1") != 1 {
		t.Errorf("asked %d nodes and counted %d and %d, want the two with such a pod, 1 and 1", asked, count.Of("0"), count.Of("1"))
	}
}

func TestKeeperForgetsTheQuestionsAskedLongAgo(t *testing.T) {
	_, snapshot := aCluster(t, 3)
	counter := topologycount.New()
	counted, err := counter.Snapshot(snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	ask := func(name string) {
		count, err := counted.Count(topologycount.Query{Name: name, Topology: topologycount.Topology{Key: "host"}, Count: func(fwk.NodeInfo) (int64, bool) {
			asked++
			return 1, true
		}})
		if err != nil || count.Domains != 3 {
			t.Fatalf("query %s: %v, error %v", name, count, err)
		}
	}
	ask("often")
	ask("once")
	for i := range 4200 {
		ask(fmt.Sprint(i))
		if i%100 == 0 {
			ask("often")
		}
	}
	asked = 0
	if ask("often"); asked != 0 {
		t.Error("a query that is asked often was forgotten")
	}
	if ask("once"); asked != 3 {
		t.Error("a query that was asked once, long ago, was kept")
	}
}

func TestKeeperStaysRightWhenLabelValuesPass(t *testing.T) {
	c, snapshot := aCluster(t, 2)
	counter := topologycount.New()
	for i := range 3000 {
		c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", Labels: map[string]string{"zone": fmt.Sprint("new-", i)}}})
		c.Update(snapshot)
		counted, err := counter.Snapshot(snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := counted.Count(matching("web", topologycount.Topology{Key: "zone"}))
		if err != nil {
			t.Fatal(err)
		}
		if now, before := count.Of(fmt.Sprint("new-", i)), count.Of(fmt.Sprint("new-", i-1)); now != 1 || before != 0 || count.Domains != 2 {
			t.Fatalf("step %d: %d pods in the zone of now and %d in the one before, of %d, want 1, 0 and 2", i, now, before, count.Domains)
		}
	}
}

func TestKeeperIsSharedByGoroutines(t *testing.T) {
	counter := topologycount.New()
	parallelize := func(pieces int, work func(int)) {
		var group sync.WaitGroup
		for part := range 4 {
			group.Go(func() {
				for i := part; i < pieces; i += 4 {
					work(i)
				}
			})
		}
		group.Wait()
	}
	var profiles sync.WaitGroup
	for profile := range 3 {
		profiles.Go(func() {
			c, snapshot := aCluster(t, 300+profile)
			for round := range 20 {
				counted, err := counter.Snapshot(snapshot, parallelize)
				if err != nil {
					t.Error(err)
					return
				}
				count, err := counted.Count(matching("web", topologycount.Topology{Key: "host"}))
				if err != nil {
					t.Error(err)
					return
				}
				parallelize(len(snapshot.Nodes()), func(i int) {
					node := snapshot.Nodes()[i]
					if sum, inside := count.At(counted.Ref(node)); sum != int64(len(node.GetPods())) || !inside {
						t.Errorf("profile %d, round %d: counted %d on %s, want %d", profile, round, sum, node.Node().Name, len(node.GetPods()))
					}
				})
				put(t, c, fmt.Sprintf("node-%d", round))
				c.Update(snapshot)
			}
		})
	}
	profiles.Wait()
}

// placement is a snapshot that shows some of its nodes only.
type placement struct {
	*cache.Snapshot
	from, to int
}

func (p *placement) List() ([]fwk.NodeInfo, error) { return p.Nodes()[p.from:p.to], nil }

func TestKeeperFollowsTheListOfNodesWithoutAnyChange(t *testing.T) {
	_, snapshot := aCluster(t, 6)
	counter, shown := topologycount.New(), &placement{Snapshot: snapshot}
	for _, part := range [][2]int{{0, 6}, {0, 2}, {2, 4}, {0, 0}, {4, 6}, {0, 6}} {
		shown.from, shown.to = part[0], part[1]
		counted, err := counter.Snapshot(shown, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := counted.Count(matching("web", topologycount.Topology{Key: "host"}))
		if err != nil {
			t.Fatal(err)
		}
		for i, node := range snapshot.Nodes() {
			want := int64(0)
			if i >= part[0] && i < part[1] {
				want = 1
			}
			if sum, _ := count.At(counted.Ref(node)); sum != want {
				t.Errorf("of the nodes %v, counted %d on number %d, want %d", part, sum, i, want)
			}
		}
	}
}
