package interpodaffinity

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// list is what a pod that is put on a node on trial, or taken from it, is counted in.
type list int

const (
	wanted list = iota
	unwanted
	unwelcoming
)

// trial is a change of one sum.
type trial struct {
	in    list
	term  int // of anti-affinity; otherwise 0
	key   string
	value string // of the node's label
	by    int64
}

// trials are the differences that AddPod and RemovePod make. There are few: they concern one node, mostly.
type trials []trial

func (t *trials) add(in list, term int, key string, node *corev1.Node, by int64) {
	value, found := node.Labels[key]
	if !found {
		return
	}
	for i := range *t {
		if same := &(*t)[i]; same.in == in && same.term == term && same.key == key && same.value == value {
			same.by += by
			return
		}
	}
	*t = append(*t, trial{in, term, key, value, by})
}

func (t trials) of(in list, key string, node *corev1.Node) int64 { return t.ofTerm(in, 0, key, node) }

func (t trials) ofTerm(in list, term int, key string, node *corev1.Node) (by int64) {
	for i := range t {
		if t[i].in != in || t[i].term != term || t[i].key != key {
			continue
		}
		if value, found := node.Labels[key]; found && value == t[i].value {
			by += t[i].by
		}
	}
	return by
}

// populated returns by how much the number of domains with a sum grows.
func (t trials) populated(in list, key string, count *topologycount.Count) (more int) {
	for i := range t {
		if t[i].in != in || t[i].key != key {
			continue
		}
		before := count.Of(t[i].value)
		switch after := before + t[i].by; {
		case before == 0 && after != 0:
			more++
		case before != 0 && after == 0:
			more--
		}
	}
	return more
}

func (t trials) keys(in list) (keys []string) {
	for i := range t {
		if t[i].in == in && !slices.Contains(keys, t[i].key) {
			keys = append(keys, t[i].key)
		}
	}
	return keys
}

// PreFilterExtensions returns the plugin itself: other pods matter.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod as being on the node.
func (*Plugin) AddPod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, added fwk.PodInfo, node fwk.NodeInfo) *fwk.Status {
	return try(state, added, node.Node(), +1)
}

// RemovePod counts a pod as not being on the node.
func (*Plugin) RemovePod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, removed fwk.PodInfo, node fwk.NodeInfo) *fwk.Status {
	return try(state, removed, node.Node(), -1)
}

func try(state fwk.CycleState, pod fwk.PodInfo, node *corev1.Node, by int64) *fwk.Status {
	f, err := framework.ReadState[*filtering](state, filterKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if matchesAll(f.affinity, pod.GetPod()) {
		seen := map[string]bool{}
		for i := range f.affinity {
			if key := f.affinity[i].TopologyKey; !seen[key] {
				seen[key] = true
				f.trials.add(wanted, 0, key, node, by)
			}
		}
	}
	for i := range f.antiAffinity {
		if f.antiAffinity[i].Matches(pod.GetPod(), nil) {
			f.trials.add(unwanted, i, f.antiAffinity[i].TopologyKey, node, by)
		}
	}
	for _, term := range pod.GetRequiredAntiAffinityTerms() {
		if term.Matches(f.pod, f.namespace) {
			f.trials.add(unwelcoming, 0, term.TopologyKey, node, by)
		}
	}
	return nil
}
