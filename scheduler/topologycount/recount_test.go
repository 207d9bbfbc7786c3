package topologycount_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// compare compares all counts with a recount.
func (h *history) compare(lister fwk.NodeInfoLister) {
	counted, err := h.counter.Snapshot(lister, nil)
	if err != nil {
		h.Fatal(err)
	}
	if rapid.Bool().Draw(h.T, "distract") {
		if _, err := h.counter.Snapshot(h.snapshots[1], nil); err != nil {
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
				query := matching(app, topology)
				h.compareCount(counted, query, nodes)
			}
		}
		h.compareCount(counted, h.ofSomePods(topology), nodes)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: pick(h, []string{"default", "other"}, "namespace"), Labels: map[string]string{"app": pick(h, apps, "app")},
	}}
	h.compareTerms(counted, pod, labels.Set{"team": pick(h, []string{"blue", "red"}, "team")}, nodes)
	for _, m := range h.kept {
		if diff := cmp.Diff(m.said, say(m.count, m.at)); diff != "" {
			h.Fatalf("a count that was given out has changed:\n%s", diff)
		}
	}
}

// ofSomePods asks for the pods of some namespaces that have one of some values of two labels. Of the many names that it may
// have, some were asked before.
func (h *history) ofSomePods(topology topologycount.Topology) topologycount.Query {
	name := rapid.IntRange(0, 30).Draw(h.T, "query")
	namespaces := [][]string{{"default"}, {"other"}, {"default", "other"}}[name%3]
	kinds := []topologycount.PodsWith{
		{Namespaces: namespaces, Label: "app", Values: [][]string{{"web"}, {"web", "db"}, {"absent", "db"}}[name/3%3]},
		{Namespaces: namespaces, Label: "tier", Values: [][]string{{"a"}, {"b", "c"}}[name/9%2]},
	}[:1+name/18]
	return topologycount.Query{Name: fmt.Sprint("of some pods ", name), Topology: topology, Of: kinds, Count: func(node fwk.NodeInfo) (number int64, counts bool) {
		for _, pod := range node.GetPods() {
			if !slices.ContainsFunc(kinds, func(kind topologycount.PodsWith) bool { return !isOf(pod.GetPod(), kind) }) {
				number++
			}
		}
		return number, number > 0
	}}
}

func isOf(pod *corev1.Pod, kind topologycount.PodsWith) bool {
	value, has := pod.Labels[kind.Label]
	return has && slices.Contains(kind.Namespaces, pod.Namespace) && slices.Contains(kind.Values, value)
}

// domainOf is what the recount takes for the domain of a node.
func domainOf(topology topologycount.Topology, node *corev1.Node) (string, bool) {
	if topology.EachNode {
		return node.Name, true
	}
	value, found := node.Labels[topology.Key]
	return value, found || topology.MissingIsEmpty
}

func (h *history) compareCount(counted *topologycount.Snapshot, query topologycount.Query, nodes []fwk.NodeInfo) {
	count, err := counted.Count(query)
	if err != nil {
		h.Fatal(err)
	}
	sums := map[string]int64{}
	domains := map[string]bool{}
	for _, node := range nodes {
		domain, inside := domainOf(query.Topology, node.Node())
		if !inside {
			continue
		}
		domains[domain] = true
		if number, counts := query.Count(node); counts {
			sums[domain] += number
		}
	}
	var said, want []string
	var at []topologycount.NodeRef
	// A copy of a node is at the same place, and one that is not known, or otherwise, is where its labels say.
	for _, node := range append(slices.Clone(strangers), nodes...) {
		at = append(at, counted.Ref(node.Snapshot()))
		domain, inside := domainOf(query.Topology, node.Node())
		sum := sums[domain]
		if !inside || query.Topology.EachNode && slices.Contains(strangers, node) {
			sum = 0
		}
		want = append(want, fmt.Sprint(sum, inside))
	}
	if said = say(count, at); !slices.Equal(said, want) {
		h.Fatalf("query %s by %+v: counted %v, recounted %v", query.Name, query.Topology, said, want)
	}
	if count.Domains != len(sums) {
		h.Fatalf("query %s by %+v: %d domains count, recounted %d", query.Name, query.Topology, count.Domains, len(sums))
	}
	if !query.Topology.EachNode {
		if got := count.Distinct(at[len(strangers):]); got != len(domains) {
			h.Fatalf("nodes are in %d domains of %+v, recounted %d", got, query.Topology, len(domains))
		}
		h.compareLowest(count, sums)
	}
	h.kept = append(h.kept, memory{count, at, said})
	if len(h.kept) > 20 {
		h.kept = h.kept[1:]
	}
}

func (h *history) compareLowest(count *topologycount.Count, sums map[string]int64) {
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

func (h *history) compareTerms(counted *topologycount.Snapshot, pod *corev1.Pod, namespace labels.Set, nodes []fwk.NodeInfo) {
	for kind := topologycount.RequiredAffinity; kind <= topologycount.PreferredAntiAffinity; kind++ {
		counts, err := counted.Terms(kind, pod, namespace)
		if err != nil {
			h.Fatal(err)
		}
		want := recountTerms(kind, pod, namespace, nodes)
		for _, node := range nodes {
			got := map[string]int64{}
			for _, count := range counts {
				if sum, inside := count.At(counted.Ref(node)); inside && sum != 0 {
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
func recountTerms(kind topologycount.Kind, pod *corev1.Pod, namespace labels.Set, nodes []fwk.NodeInfo) map[[2]string]int64 {
	sums := map[[2]string]int64{}
	for _, node := range nodes {
		add := func(term fwk.AffinityTerm, weight int64) {
			if value, found := node.Node().Labels[term.TopologyKey]; found && term.Matches(pod, namespace) {
				sums[[2]string{term.TopologyKey, value}] += weight
			}
		}
		for _, info := range node.GetPods() {
			required := map[topologycount.Kind][]fwk.AffinityTerm{
				topologycount.RequiredAffinity: info.GetRequiredAffinityTerms(), topologycount.RequiredAntiAffinity: info.GetRequiredAntiAffinityTerms(),
			}
			preferred := map[topologycount.Kind][]fwk.WeightedAffinityTerm{
				topologycount.PreferredAffinity: info.GetPreferredAffinityTerms(), topologycount.PreferredAntiAffinity: info.GetPreferredAntiAffinityTerms(),
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

func say(count *topologycount.Count, at []topologycount.NodeRef) []string {
	said := make([]string, len(at))
	for i, ref := range at {
		sum, inside := count.At(ref)
		said[i] = fmt.Sprint(sum, inside)
	}
	return said
}
