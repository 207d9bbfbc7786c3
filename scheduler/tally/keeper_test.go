package tally_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/tally"
)

var (
	keys   = []string{"zone", "rack", "host"}
	values = []string{"", "a", "b", "c"}
	apps   = []string{"web", "db"}
	places = []tally.Topology{{Key: "zone"}, {Key: "zone", MissingIsEmpty: true}, {Key: "host"}, {EachNode: true}}
)

// matching asks for the pods of an app. Nodes with the label "hidden" do not count, others do even without any.
func matching(app string, topology tally.Topology) tally.Question {
	return tally.Question{Name: app, Topology: topology, Ask: func(node fwk.NodeInfo) (int64, bool) {
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

// strangers are no nodes of the cluster, though one says so.
var strangers = []fwk.NodeInfo{
	nodeinfo.ForNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "stranger", Labels: map[string]string{"zone": "a", "host": "new"}}}),
	nodeinfo.ForNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", Labels: map[string]string{"zone": "b", "host": "c"}}}),
}

// history is a cluster that changes at random, and what was counted of it at some time.
type history struct {
	*rapid.T
	keeper *tally.Keeper
	cache  *cache.Cache
	// The second snapshot falls behind the first, and both are counted by the same keeper.
	snapshots [2]*cache.Snapshot
	nodes     map[string]*corev1.Node
	pods      map[types.UID]*corev1.Pod
	made      int
	kept      []memory
}

// memory is a count that was given out, and what it said then.
type memory struct {
	count *tally.Count
	at    []tally.Place
	said  []string
}

func newHistory(t *rapid.T) *history {
	return &history{
		T: t, keeper: tally.New(), cache: cache.New(0), snapshots: [2]*cache.Snapshot{{}, {}},
		nodes: map[string]*corev1.Node{}, pods: map[types.UID]*corev1.Pod{},
	}
}

func pick[T any](h *history, choices []T, label string) T {
	return rapid.SampledFrom(choices).Draw(h.T, label)
}

func (h *history) labels(label string) map[string]string {
	drawn := map[string]string{}
	for _, key := range keys {
		if pick(h, []bool{true, true, false}, label) {
			drawn[key] = pick(h, values, label)
		}
	}
	if pick(h, []bool{false, false, false, true}, label) {
		drawn["hidden"] = ""
	}
	return drawn
}

// setNode adds a node or replaces one.
func (h *history) setNode(*rapid.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: fmt.Sprintf("node-%d", rapid.IntRange(0, 6).Draw(h.T, "node")), Labels: h.labels("labels"),
	}}
	if zone := node.Labels["zone"]; zone != "" {
		node.Labels[corev1.LabelTopologyZone] = zone // By which the snapshot orders the nodes.
	}
	h.nodes[node.Name] = node
	h.cache.AddNode(node)
}

func (h *history) removeNode(t *rapid.T) {
	name := h.anyNode(t)
	delete(h.nodes, name)
	h.cache.RemoveNode(name)
}

func (h *history) anyNode(t *rapid.T) string {
	if len(h.nodes) == 0 {
		t.Skip("there is no node")
	}
	return pick(h, slices.Sorted(maps.Keys(h.nodes)), "node")
}

func (h *history) newPod(node string) *corev1.Pod {
	h.made++
	name := fmt.Sprintf("pod-%d", h.made)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: pick(h, []string{"default", "other"}, "namespace"), Name: name, UID: types.UID(name),
		Labels: map[string]string{"app": pick(h, apps, "app")},
	}}
	pod.Spec.NodeName = node
	pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}
	for range rapid.IntRange(0, 2).Draw(h.T, "terms") {
		term := h.term()
		switch near, far := pod.Spec.Affinity.PodAffinity, pod.Spec.Affinity.PodAntiAffinity; rapid.IntRange(0, 3).Draw(h.T, "kind") {
		case 0:
			near.RequiredDuringSchedulingIgnoredDuringExecution = append(near.RequiredDuringSchedulingIgnoredDuringExecution, term)
		case 1:
			far.RequiredDuringSchedulingIgnoredDuringExecution = append(far.RequiredDuringSchedulingIgnoredDuringExecution, term)
		case 2:
			near.PreferredDuringSchedulingIgnoredDuringExecution = append(near.PreferredDuringSchedulingIgnoredDuringExecution, h.weighted(term))
		case 3:
			far.PreferredDuringSchedulingIgnoredDuringExecution = append(far.PreferredDuringSchedulingIgnoredDuringExecution, h.weighted(term))
		}
	}
	return pod
}

func (h *history) term() corev1.PodAffinityTerm {
	term := corev1.PodAffinityTerm{TopologyKey: pick(h, keys, "key"), LabelSelector: &metav1.LabelSelector{}}
	switch rapid.IntRange(0, 3).Draw(h.T, "selector") {
	case 0, 1:
		term.LabelSelector.MatchLabels = map[string]string{"app": pick(h, apps, "app")}
	case 2:
		operator := pick(h, []metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn}, "operator")
		term.LabelSelector.MatchExpressions = []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: operator, Values: apps[rapid.IntRange(0, 1).Draw(h.T, "values"):]},
		}
	}
	switch rapid.IntRange(0, 3).Draw(h.T, "namespaces") {
	case 0:
		term.Namespaces = []string{"other", "default"}
	case 1:
		term.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "blue"}}
	}
	return term
}

func (h *history) weighted(term corev1.PodAffinityTerm) corev1.WeightedPodAffinityTerm {
	return corev1.WeightedPodAffinityTerm{Weight: rapid.Int32Range(1, 3).Draw(h.T, "weight"), PodAffinityTerm: term}
}

func (h *history) addPod(t *rapid.T) { h.set(h.newPod(h.anyNode(t))) }

func (h *history) set(pod *corev1.Pod) {
	h.pods[pod.UID] = pod
	if err := h.cache.AddPod(pod); err != nil {
		h.Fatal(err)
	}
}

func (h *history) anyPod(t *rapid.T) *corev1.Pod {
	if len(h.pods) == 0 {
		t.Skip("there is no pod")
	}
	return h.pods[pick(h, slices.Sorted(maps.Keys(h.pods)), "pod")]
}

func (h *history) relabelPod(t *rapid.T) {
	pod := h.anyPod(t).DeepCopy()
	pod.Labels["app"] = pick(h, apps, "app")
	h.set(pod)
}

func (h *history) removePod(t *rapid.T) {
	pod := h.anyPod(t)
	delete(h.pods, pod.UID)
	if _, err := h.cache.RemovePod(pod.UID); err != nil {
		t.Fatal(err)
	}
}

// catchUp brings a snapshot up to date.
func (h *history) catchUp(t *rapid.T) {
	h.cache.Update(h.snapshots[rapid.IntRange(0, 1).Draw(t, "snapshot")])
}

// try counts while a snapshot is changed on trial, and once more when that is over.
func (h *history) try(t *rapid.T) {
	snapshot := h.snapshots[0]
	if len(snapshot.Nodes()) == 0 {
		t.Skip("there is no node")
	}
	node := pick(h, snapshot.Nodes(), "node")
	if err := snapshot.StartMutations(); err != nil {
		t.Fatal(err)
	}
	pod, err := nodeinfo.NewPodInfo(h.newPod(node.Node().Name))
	if err != nil {
		t.Fatal(err)
	}
	if err := snapshot.AddPod(pod, node.Node().Name); err != nil {
		t.Fatal(err)
	}
	h.compare(snapshot)
	if pods := node.GetPods(); rapid.Bool().Draw(t, "remove") {
		if err := snapshot.RemovePod(klog.Background(), pods[0].GetPod(), node.Node().Name); err != nil {
			t.Fatal(err)
		}
		h.compare(snapshot)
	}
	if err := snapshot.EndMutations(); err != nil {
		t.Fatal(err)
	}
	h.compare(snapshot)
}

// plain is a snapshot that cannot tell what changed.
type plain struct{ fwk.NodeInfoLister }

func (h *history) count(t *rapid.T) {
	snapshot := h.snapshots[rapid.IntRange(0, 1).Draw(t, "snapshot")]
	if rapid.Bool().Draw(t, "plain") {
		h.compare(plain{snapshot})
		return
	}
	h.compare(snapshot)
}

// compare compares all counts with a recount.
func (h *history) compare(lister fwk.NodeInfoLister) {
	moment, err := h.keeper.At(lister, nil)
	if err != nil {
		h.Fatal(err)
	}
	if rapid.Bool().Draw(h.T, "distract") {
		if _, err := h.keeper.At(h.snapshots[1], nil); err != nil {
			h.Fatal(err)
		}
	}
	nodes, err := lister.List()
	if err != nil {
		h.Fatal(err)
	}
	for _, topology := range places {
		for _, app := range apps {
			if rapid.Bool().Draw(h.T, "ask") { // Who is not asked falls behind.
				question := matching(app, topology)
				h.compareCount(moment, question, nodes)
			}
		}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: pick(h, []string{"default", "other"}, "namespace"), Labels: map[string]string{"app": pick(h, apps, "app")},
	}}
	h.compareTerms(moment, pod, labels.Set{"team": pick(h, []string{"blue", "red"}, "team")}, nodes)
	for _, m := range h.kept {
		if diff := cmp.Diff(m.said, say(m.count, m.at)); diff != "" {
			h.Fatalf("a count that was given out has changed:\n%s", diff)
		}
	}
}

// domainOf is what the recount takes for the domain of a node.
func domainOf(topology tally.Topology, node *corev1.Node) (string, bool) {
	if topology.EachNode {
		return node.Name, true
	}
	value, found := node.Labels[topology.Key]
	return value, found || topology.MissingIsEmpty
}

func (h *history) compareCount(moment *tally.Moment, question tally.Question, nodes []fwk.NodeInfo) {
	count, err := moment.Count(question)
	if err != nil {
		h.Fatal(err)
	}
	sums := map[string]int64{}
	domains := map[string]bool{}
	for _, node := range nodes {
		domain, inside := domainOf(question.Topology, node.Node())
		if !inside {
			continue
		}
		domains[domain] = true
		if number, counts := question.Ask(node); counts {
			sums[domain] += number
		}
	}
	var said, want []string
	var at []tally.Place
	// A copy of a node is at the same place, and one that is not known, or otherwise, is where its labels say.
	for _, node := range append(slices.Clone(strangers), nodes...) {
		at = append(at, moment.Place(node.Snapshot()))
		domain, inside := domainOf(question.Topology, node.Node())
		sum := sums[domain]
		if !inside || question.Topology.EachNode && slices.Contains(strangers, node) {
			sum = 0
		}
		want = append(want, fmt.Sprint(sum, inside))
	}
	if said = say(count, at); !slices.Equal(said, want) {
		h.Fatalf("question %s by %+v: counted %v, recounted %v", question.Name, question.Topology, said, want)
	}
	if count.Domains != len(sums) {
		h.Fatalf("question %s by %+v: %d domains count, recounted %d", question.Name, question.Topology, count.Domains, len(sums))
	}
	if !question.Topology.EachNode {
		if got := count.Distinct(at[len(strangers):]); got != len(domains) {
			h.Fatalf("nodes are in %d domains of %+v, recounted %d", got, question.Topology, len(domains))
		}
		h.compareLowest(count, sums)
	}
	h.kept = append(h.kept, memory{count, at, said})
	if len(h.kept) > 20 {
		h.kept = h.kept[1:]
	}
}

func (h *history) compareLowest(count *tally.Count, sums map[string]int64) {
	lowest := slices.Sorted(maps.Values(sums))
	for i, sum := range lowest[:min(len(lowest), 2)] {
		if got := count.Lowest()[i].Sum; got != sum {
			h.Fatalf("lowest %d is %d, recounted %v", i, got, lowest)
		}
	}
	for _, but := range [][]string{{"a"}, {"absent"}, {"a", "b"}, {"a", "", "b"}} {
		left := maps.Clone(sums)
		for _, value := range but {
			delete(left, value)
		}
		got, found := count.LowestBut(but...)
		want := slices.Sorted(maps.Values(left))
		if found != (len(want) > 0) || found && got != want[0] {
			h.Fatalf("lowest but %v is %d (found: %t), recounted %v", but, got, found, want)
		}
	}
	for value, sum := range sums {
		if got := count.Of(value); got != sum {
			h.Fatalf("%q has %d, recounted %d", value, got, sum)
		}
	}
}

func (h *history) compareTerms(moment *tally.Moment, pod *corev1.Pod, namespace labels.Set, nodes []fwk.NodeInfo) {
	for kind := tally.RequiredAffinity; kind <= tally.PreferredAntiAffinity; kind++ {
		counts, err := moment.Terms(kind, pod, namespace)
		if err != nil {
			h.Fatal(err)
		}
		want := recountTerms(kind, pod, namespace, nodes)
		for _, node := range nodes {
			got := map[string]int64{}
			for _, count := range counts {
				if sum, inside := count.At(moment.Place(node)); inside && sum != 0 {
					got[count.Key+"="+node.Node().Labels[count.Key]] += sum
				}
			}
			for pair, sum := range want {
				if key, value := pair[0], pair[1]; !has(node.Node(), key, value) {
					continue
				} else if got[key+"="+value] != sum {
					h.Fatalf("terms of kind %d at %s=%s: counted %v, recounted %d", kind, key, value, got, sum)
				}
				delete(got, pair[0]+"="+pair[1])
			}
			if len(got) > 0 {
				h.Fatalf("terms of kind %d on node %s: counted %v too much", kind, node.Node().Name, got)
			}
		}
		for _, count := range counts {
			if count.Domains == 0 {
				h.Fatalf("a term that counts nowhere was returned")
			}
		}
	}
}

func has(node *corev1.Node, key, value string) bool {
	own, found := node.Labels[key]
	return found && own == value
}

// recountTerms returns the sums by label and value.
func recountTerms(kind tally.Kind, pod *corev1.Pod, namespace labels.Set, nodes []fwk.NodeInfo) map[[2]string]int64 {
	sums := map[[2]string]int64{}
	for _, node := range nodes {
		add := func(term fwk.AffinityTerm, weight int64) {
			if value, found := node.Node().Labels[term.TopologyKey]; found && term.Matches(pod, namespace) {
				sums[[2]string{term.TopologyKey, value}] += weight
			}
		}
		for _, info := range node.GetPods() {
			required := map[tally.Kind][]fwk.AffinityTerm{
				tally.RequiredAffinity: info.GetRequiredAffinityTerms(), tally.RequiredAntiAffinity: info.GetRequiredAntiAffinityTerms(),
			}
			preferred := map[tally.Kind][]fwk.WeightedAffinityTerm{
				tally.PreferredAffinity: info.GetPreferredAffinityTerms(), tally.PreferredAntiAffinity: info.GetPreferredAntiAffinityTerms(),
			}
			for _, term := range required[kind] {
				add(term, 1)
			}
			for _, term := range preferred[kind] {
				add(term.AffinityTerm, int64(term.Weight))
			}
		}
	}
	return sums
}

func say(count *tally.Count, at []tally.Place) []string {
	said := make([]string, len(at))
	for i, place := range at {
		sum, inside := count.At(place)
		said[i] = fmt.Sprint(sum, inside)
	}
	return said
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
	keeper, asked := tally.New(), 0
	question := matching("web", tally.Topology{Key: "zone"})
	ask := question.Ask
	question.Ask = func(node fwk.NodeInfo) (int64, bool) {
		asked++
		return ask(node)
	}
	count := func() *tally.Count {
		asked = 0
		moment, err := keeper.At(snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := moment.Count(question)
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

func TestKeeperForgetsTheQuestionsAskedLongAgo(t *testing.T) {
	_, snapshot := aCluster(t, 3)
	keeper := tally.New()
	moment, err := keeper.At(snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	ask := func(name string) {
		count, err := moment.Count(tally.Question{Name: name, Topology: tally.Topology{Key: "host"}, Ask: func(fwk.NodeInfo) (int64, bool) {
			asked++
			return 1, true
		}})
		if err != nil || count.Domains != 3 {
			t.Fatalf("question %s: %v, error %v", name, count, err)
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
		t.Error("a question that is asked often was forgotten")
	}
	if ask("once"); asked != 3 {
		t.Error("a question that was asked once, long ago, was kept")
	}
}

func TestKeeperStaysRightWhenLabelValuesPass(t *testing.T) {
	c, snapshot := aCluster(t, 2)
	keeper := tally.New()
	for i := range 3000 {
		c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", Labels: map[string]string{"zone": fmt.Sprint("new-", i)}}})
		c.Update(snapshot)
		moment, err := keeper.At(snapshot, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := moment.Count(matching("web", tally.Topology{Key: "zone"}))
		if err != nil {
			t.Fatal(err)
		}
		if now, before := count.Of(fmt.Sprint("new-", i)), count.Of(fmt.Sprint("new-", i-1)); now != 1 || before != 0 || count.Domains != 2 {
			t.Fatalf("step %d: %d pods in the zone of now and %d in the one before, of %d, want 1, 0 and 2", i, now, before, count.Domains)
		}
	}
}

func TestKeeperIsSharedByGoroutines(t *testing.T) {
	keeper := tally.New()
	spread := func(pieces int, work func(int)) {
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
				moment, err := keeper.At(snapshot, spread)
				if err != nil {
					t.Error(err)
					return
				}
				count, err := moment.Count(matching("web", tally.Topology{Key: "host"}))
				if err != nil {
					t.Error(err)
					return
				}
				spread(len(snapshot.Nodes()), func(i int) {
					node := snapshot.Nodes()[i]
					if sum, inside := count.At(moment.Place(node)); sum != int64(len(node.GetPods())) || !inside {
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
	keeper, shown := tally.New(), &placement{Snapshot: snapshot}
	for _, part := range [][2]int{{0, 6}, {0, 2}, {2, 4}, {0, 0}, {4, 6}, {0, 6}} {
		shown.from, shown.to = part[0], part[1]
		moment, err := keeper.At(shown, nil)
		if err != nil {
			t.Fatal(err)
		}
		count, err := moment.Count(matching("web", tally.Topology{Key: "host"}))
		if err != nil {
			t.Fatal(err)
		}
		for i, node := range snapshot.Nodes() {
			want := int64(0)
			if i >= part[0] && i < part[1] {
				want = 1
			}
			if sum, _ := count.At(moment.Place(node)); sum != want {
				t.Errorf("of the nodes %v, counted %d on number %d, want %d", part, sum, i, want)
			}
		}
	}
}
