package topologycount_test

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// strangers are no nodes of the cluster, though one says so.
var strangers = []fwk.NodeInfo{
	nodeinfo.ForNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "stranger", Labels: map[string]string{"zone": "a", "host": "new"}}}),
	nodeinfo.ForNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", Labels: map[string]string{"zone": "b", "host": "c"}}}),
}

// history is a cluster that changes at random, and what was counted of it at some time.
type history struct {
	*rapid.T
	counter *topologycount.Counter
	cache   *cache.Cache
	// The second snapshot falls behind the first, and both are counted by the same counter.
	snapshots [2]*cache.Snapshot
	nodes     map[string]*corev1.Node
	pods      map[types.UID]*corev1.Pod
	made      int
	kept      []memory
}

// memory is a count that was given out, and what it said then.
type memory struct {
	count *topologycount.Count
	at    []topologycount.NodeRef
	said  []string
}

func newHistory(t *rapid.T) *history {
	return &history{
		T: t, counter: topologycount.New(), cache: cache.New(0), snapshots: [2]*cache.Snapshot{{}, {}},
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
		Labels: map[string]string{"app": pick(h, apps, "app"), "tier": pick(h, values, "tier")},
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
