package framework

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// EquivalencePlugin is a local plugin: what it says of a pod and a node follows from what it reads of the pod and from the
// node alone. Then its answers can be kept for all pods of the same equivalence class (package equivalence), until the node
// changes.
//
// It promises:
//
//   - PreFilter, Filter, PreScore and Score, and what they write to the cycle state, depend on nothing but what
//     AppendEquivalenceKey writes and the NodeInfo; on no other object, pod, node or clock. A NodeCounter's may depend on the number
//     of nodes as well.
//   - NormalizeScore gives each node what follows from its own score and the largest of all scores.
//   - It has no PreFilterExtensions, and it never changes what it wrote to the cycle state.
//
// A plugin that is not one, as every plugin that knows only kube-scheduler's interfaces, is asked about every node for
// every pod. It does not get in the way of those that are, unlike a plugin without kube-scheduler's SignPlugin.
// SignPlugin itself promises less than is needed here: in several plugins of kube-scheduler, pods with equal signatures
// can have different scores, and with its default configuration no pod has a signature.
type EquivalencePlugin interface {
	fwk.Plugin
	// AppendEquivalenceKey appends all that the plugin reads of a pod, so that equal bytes mean equal answers. It reports
	// false for a pod about which it cannot promise that.
	AppendEquivalenceKey(key []byte, pod *corev1.Pod) ([]byte, bool)
}

// NodeCounter is a local plugin whose answers on some nodes depend on the number of all nodes.
type NodeCounter interface {
	EquivalencePlugin
	// CountsNodes returns what says of a node whether that is so, for the pods of a class. Nil means of none.
	CountsNodes(pod *corev1.Pod) func(node fwk.NodeInfo) bool
}

// CountingNodes returns what says of a node whether what a local plugin thinks of it depends on the number of nodes.
func (f *Framework) CountingNodes(pod *corev1.Pod) func(node fwk.NodeInfo) bool {
	var counting []func(fwk.NodeInfo) bool
	for _, plugin := range f.equivalencePlugins {
		if counter, ok := plugin.(NodeCounter); ok {
			if counts := counter.CountsNodes(pod); counts != nil {
				counting = append(counting, counts)
			}
		}
	}
	return func(node fwk.NodeInfo) bool {
		return slices.ContainsFunc(counting, func(counts func(fwk.NodeInfo) bool) bool { return counts(node) })
	}
}

func (f *Framework) findEquivalencePlugins() {
	seen := sets.New[string]()
	add := func(plugin fwk.Plugin) {
		if equivalence, ok := plugin.(EquivalencePlugin); ok && !seen.Has(plugin.Name()) {
			seen.Insert(plugin.Name())
			f.equivalencePlugins = append(f.equivalencePlugins, equivalence)
		}
	}
	for _, plugin := range f.preFilter {
		add(plugin)
	}
	for _, plugin := range f.filter {
		add(plugin)
	}
	for _, plugin := range f.preScore {
		add(plugin)
	}
	for _, plugin := range f.score {
		add(plugin)
	}
}

// AppendEquivalenceKey appends what tells the pod's class from others: the profile, and what each local plugin reads of the
// pod. It reports false for a pod that has none.
func (f *Framework) AppendEquivalenceKey(ctx context.Context, key []byte, pod *corev1.Pod) (_ []byte, ok bool) {
	var running string
	var status *fwk.Status
	defer func() { ok = ok && status == nil }()
	defer recovered(ctx, Sign, &running, &status)
	key = AppendText(key, f.ProfileName())
	for _, plugin := range f.equivalencePlugins {
		running = plugin.Name()
		before := len(key)
		key = append(key, 0, 0, 0, 0) // The length, so that two plugins' parts cannot be taken for each other.
		if key, ok = plugin.AppendEquivalenceKey(key, pod); !ok {
			return key, false
		}
		binary.LittleEndian.PutUint32(key[before:], uint32(len(key)-before))
	}
	return key, len(f.equivalencePlugins) > 0
}

// AppendText appends a string to a key.
func AppendText(key []byte, text string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(text))), text...)
}

// AppendNumber appends a number to a key.
func AppendNumber(key []byte, number int64) []byte { return binary.AppendVarint(key, number) }

// AppendMap appends a map to a key. Nil and empty are the same.
func AppendMap(key []byte, texts map[string]string) []byte {
	key = AppendNumber(key, int64(len(texts)))
	if len(texts) == 0 {
		return key
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		key = AppendText(AppendText(key, name), texts[name])
	}
	return key
}

// AppendTolerations appends a pod's tolerations to a key.
func AppendTolerations(key []byte, pod *corev1.Pod) []byte {
	for i := range pod.Spec.Tolerations {
		toleration := &pod.Spec.Tolerations[i]
		key = AppendText(AppendText(key, toleration.Key), string(toleration.Operator))
		key = AppendText(AppendText(key, toleration.Value), string(toleration.Effect))
	}
	return key
}

// ClassState is what the local plugins worked out before they looked at any node, for all pods of a class.
type ClassState struct {
	entries               []entry
	skipFilter, skipScore sets.Set[string]
}

// ClassState runs PreFilter and PreScore of the local plugins. It reports false where one of them refuses the pod or names
// nodes: such a pod is rare, and quickly decided on.
func (f *Framework) ClassState(ctx context.Context, pod *corev1.Pod) (*ClassState, bool) {
	state := NewCycleState(false)
	class := &ClassState{skipFilter: sets.New[string](), skipScore: sets.New[string]()}
	nodes, err := f.env.Snapshot.NodeInfos().List()
	if err != nil {
		return nil, false
	}
	for _, plugin := range f.preFilter {
		if _, local := plugin.(EquivalencePlugin); !local {
			continue
		}
		var result *fwk.PreFilterResult
		status := call(ctx, state, PreFilter, plugin, func() (s *fwk.Status) {
			result, s = plugin.PreFilter(ctx, state, pod, nodes)
			return s
		})
		switch {
		case status.IsSkip():
			class.skipFilter.Insert(plugin.Name())
		case !status.IsSuccess() || !result.AllNodes() || plugin.PreFilterExtensions() != nil:
			return nil, false
		}
	}
	for _, plugin := range f.preScore {
		if _, local := plugin.(EquivalencePlugin); !local {
			continue
		}
		status := call(ctx, state, PreScore, plugin, func() *fwk.Status { return plugin.PreScore(ctx, state, pod, nodes) })
		switch {
		case status.IsSkip():
			class.skipScore.Insert(plugin.Name())
		case !status.IsSuccess():
			return nil, false
		}
	}
	class.entries = state.entries()
	return class, true
}

// Adopt makes what is known of the pod's class part of its state, before anything else is: then PreFilter and PreScore of
// local plugins do not run again.
func (s *CycleState) Adopt(class *ClassState) { s.class, s.base = class, class.entries }

// knows reports whether the plugin's part before it looks at nodes is done.
func (s *CycleState) knows(plugin fwk.Plugin) bool {
	if s == nil || s.class == nil {
		return false
	}
	_, local := plugin.(EquivalencePlugin)
	return local
}
