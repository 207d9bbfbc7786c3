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

// ShapePlugin is a local plugin: what it says of a pod and a node follows from the pod's shape and from the node alone.
// Then its answers can be kept for other pods of the same shape, until the node changes.
//
// It promises:
//
//   - PreFilter, Filter, PreScore and Score, and what they write to the cycle state, depend on nothing but what
//     AppendShape writes and the NodeInfo; on no other object, pod, node or clock. A NodeCounter's may depend on the number
//     of nodes as well.
//   - NormalizeScore gives each node what follows from its own score and the largest of all scores.
//   - It has no PreFilterExtensions, and it never changes what it wrote to the cycle state.
//
// A plugin that is not one, as every plugin that knows only kube-scheduler's interfaces, is asked about every node for
// every pod. It does not get in the way of those that are, unlike a plugin without kube-scheduler's SignPlugin.
// SignPlugin itself promises less than is needed here: in several plugins of kube-scheduler, pods with equal signatures
// can have different scores, and with its default configuration no pod has a signature.
type ShapePlugin interface {
	fwk.Plugin
	// AppendShape appends all that the plugin reads of a pod, so that equal bytes mean equal answers. It reports false
	// for a pod about which it cannot promise that.
	AppendShape(shape []byte, pod *corev1.Pod) ([]byte, bool)
}

// NodeCounter is a local plugin whose answers on some nodes depend on the number of all nodes.
type NodeCounter interface {
	ShapePlugin
	// CountsNodes returns what says of a node whether that is so, for the pods of a shape. Nil means of none.
	CountsNodes(pod *corev1.Pod) func(node fwk.NodeInfo) bool
}

// CountingNodes returns what says of a node whether what a local plugin thinks of it depends on the number of nodes.
func (f *Framework) CountingNodes(pod *corev1.Pod) func(node fwk.NodeInfo) bool {
	var counting []func(fwk.NodeInfo) bool
	for _, plugin := range f.shapers {
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

func (f *Framework) findShapers() {
	seen := sets.New[string]()
	add := func(plugin fwk.Plugin) {
		if shaper, ok := plugin.(ShapePlugin); ok && !seen.Has(plugin.Name()) {
			seen.Insert(plugin.Name())
			f.shapers = append(f.shapers, shaper)
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

// AppendShape appends the pod's shape: the profile, and what each local plugin reads of the pod. It reports false for a
// pod that has none.
func (f *Framework) AppendShape(ctx context.Context, shape []byte, pod *corev1.Pod) (_ []byte, ok bool) {
	var running string
	var status *fwk.Status
	defer func() { ok = ok && status == nil }()
	defer recovered(ctx, Sign, &running, &status)
	shape = AppendText(shape, f.ProfileName())
	for _, plugin := range f.shapers {
		running = plugin.Name()
		before := len(shape)
		shape = append(shape, 0, 0, 0, 0) // The length, so that two plugins' parts cannot be taken for each other.
		if shape, ok = plugin.AppendShape(shape, pod); !ok {
			return shape, false
		}
		binary.LittleEndian.PutUint32(shape[before:], uint32(len(shape)-before))
	}
	return shape, len(f.shapers) > 0
}

// AppendText appends a string to a shape.
func AppendText(shape []byte, text string) []byte {
	return append(binary.AppendUvarint(shape, uint64(len(text))), text...)
}

// AppendNumber appends a number to a shape.
func AppendNumber(shape []byte, number int64) []byte { return binary.AppendVarint(shape, number) }

// AppendMap appends a map to a shape. Nil and empty are the same.
func AppendMap(shape []byte, texts map[string]string) []byte {
	shape = AppendNumber(shape, int64(len(texts)))
	if len(texts) == 0 {
		return shape
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		shape = AppendText(AppendText(shape, key), texts[key])
	}
	return shape
}

// AppendTolerations appends a pod's tolerations to a shape.
func AppendTolerations(shape []byte, pod *corev1.Pod) []byte {
	for i := range pod.Spec.Tolerations {
		toleration := &pod.Spec.Tolerations[i]
		shape = AppendText(AppendText(shape, toleration.Key), string(toleration.Operator))
		shape = AppendText(AppendText(shape, toleration.Value), string(toleration.Effect))
	}
	return shape
}

// Shared is what the local plugins worked out before they looked at any node, for all pods of a shape.
type Shared struct {
	entries               []entry
	skipFilter, skipScore sets.Set[string]
}

// Share runs PreFilter and PreScore of the local plugins. It reports false where one of them refuses the pod or names
// nodes: such a pod is rare, and quickly decided on.
func (f *Framework) Share(ctx context.Context, pod *corev1.Pod) (*Shared, bool) {
	state := NewCycleState(false)
	shared := &Shared{skipFilter: sets.New[string](), skipScore: sets.New[string]()}
	nodes, err := f.env.Snapshot.NodeInfos().List()
	if err != nil {
		return nil, false
	}
	for _, plugin := range f.preFilter {
		if _, local := plugin.(ShapePlugin); !local {
			continue
		}
		var result *fwk.PreFilterResult
		status := call(ctx, state, PreFilter, plugin, func() (s *fwk.Status) {
			result, s = plugin.PreFilter(ctx, state, pod, nodes)
			return s
		})
		switch {
		case status.IsSkip():
			shared.skipFilter.Insert(plugin.Name())
		case !status.IsSuccess() || !result.AllNodes() || plugin.PreFilterExtensions() != nil:
			return nil, false
		}
	}
	for _, plugin := range f.preScore {
		if _, local := plugin.(ShapePlugin); !local {
			continue
		}
		status := call(ctx, state, PreScore, plugin, func() *fwk.Status { return plugin.PreScore(ctx, state, pod, nodes) })
		switch {
		case status.IsSkip():
			shared.skipScore.Insert(plugin.Name())
		case !status.IsSuccess():
			return nil, false
		}
	}
	shared.entries = state.entries()
	return shared, true
}

// Adopt makes what is known of the pod's shape part of its state, before anything else is: then PreFilter and PreScore of
// local plugins do not run again.
func (s *CycleState) Adopt(shared *Shared) { s.shared, s.base = shared, shared.entries }

// knows reports whether the plugin's part before it looks at nodes is done.
func (s *CycleState) knows(plugin fwk.Plugin) bool {
	if s == nil || s.shared == nil {
		return false
	}
	_, local := plugin.(ShapePlugin)
	return local
}
