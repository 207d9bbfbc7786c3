package cycle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// change does one thing to the cluster.
func (h *history) change() {
	changes := []struct {
		name   string
		weight int
		do     func() string
	}{
		{"bind", 30, h.bind}, {"delete", 22, h.delete}, {"nominate", 6, h.nominate}, {"end nominations", 6, h.endNominations},
		{"add node", 6, h.addNode}, {"remove node", 3, h.removeNode}, {"label", 4, h.label}, {"taint", 6, h.taint}, {"cordon", 4, h.cordon},
		{"resize", 4, h.resize}, {"pull image", 3, h.pullImage}, {"try and take back", 5, h.tryAndTakeBack}, {"nothing", 3, func() string { return "" }},
	}
	total := 0
	for _, change := range changes {
		total += change.weight
	}
	at := h.IntN(total)
	for _, change := range changes {
		if at -= change.weight; at < 0 {
			h.log = append(h.log, change.name+" "+change.do())
			return
		}
	}
}

func (h *history) newPod(kind kind) *corev1.Pod {
	h.pending++
	name := fmt.Sprintf("pod-%d", h.pending)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "web"}}
	kind.dress(pod)
	return pod
}

func (h *history) anyNode() *corev1.Node {
	names := slices.Sorted(maps.Keys(h.nodes))
	return h.nodes[names[h.IntN(len(names))]]
}

func (h *history) bind() string {
	kind, node := podKinds[h.IntN(len(podKinds)-1)], h.anyNode()
	if strings.HasPrefix(kind.name, "too large") {
		return "nothing"
	}
	pod := h.newPod(kind)
	pod.Spec.NodeName = node.Name
	h.pods[pod.Name] = pod
	if err := h.Cache.AddPod(pod); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s (%s) to %s", pod.Name, kind.name, node.Name)
}

func (h *history) delete() string {
	if len(h.pods) == 0 {
		return "nothing"
	}
	names := slices.Sorted(maps.Keys(h.pods))
	name := names[h.IntN(len(names))]
	if _, err := h.Cache.RemovePod(types.UID(name)); err != nil {
		panic(err)
	}
	delete(h.pods, name)
	return name
}

func (h *history) nominate() string {
	pod, node := h.newPod(podKinds[h.IntN(4)]), h.anyNode()
	pod.Spec.Priority = ptr.To(h.Int32N(20))
	info, _ := nodeinfo.NewPodInfo(pod)
	h.Queue.AddNominatedPod(klog.Logger{}, info, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node.Name})
	return fmt.Sprintf("%s of priority %d to %s", pod.Name, *pod.Spec.Priority, node.Name)
}

func (h *history) endNominations() string {
	node := h.anyNode()
	for _, pod := range h.Queue.NominatedPodsForNode(node.Name) {
		h.Queue.DeleteNominatedPodIfExists(pod.GetPod())
	}
	return "to " + node.Name
}

func (h *history) addNode() string {
	h.pending++
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", h.pending%9)}}
	if _, exists := h.nodes[node.Name]; exists {
		return "nothing"
	}
	node.Labels = map[string]string{corev1.LabelHostname: node.Name, corev1.LabelTopologyZone: []string{"a", "b"}[h.IntN(2)]}
	h.allocate(node)
	h.put(node)
	return node.Name
}

func (h *history) allocate(node *corev1.Node) {
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse([]string{"2", "4", "8"}[h.IntN(3)]), corev1.ResourceMemory: resource.MustParse([]string{"2Gi", "8Gi"}[h.IntN(2)]),
		corev1.ResourcePods: resource.MustParse([]string{"5", "20"}[h.IntN(2)]),
	}
}

func (h *history) put(node *corev1.Node) {
	h.nodes[node.Name] = node
	h.Cache.AddNode(node)
}

func (h *history) removeNode() string {
	if len(h.nodes) < 3 {
		return "nothing"
	}
	node := h.anyNode()
	for name, pod := range h.pods {
		if pod.Spec.NodeName == node.Name {
			if _, err := h.Cache.RemovePod(pod.UID); err != nil {
				panic(err)
			}
			delete(h.pods, name)
		}
	}
	h.Cache.RemoveNode(node.Name)
	delete(h.nodes, node.Name)
	h.touchAll()
	return node.Name
}

// touchAll makes all nodes new, so that how many nodes have an image is counted at the same moment for all.
func (h *history) touchAll() {
	for _, node := range h.nodes {
		h.Cache.AddNode(node)
	}
}

func (h *history) changeNode(change func(*corev1.Node)) string {
	node := h.anyNode().DeepCopy()
	change(node)
	h.put(node)
	return node.Name
}

func (h *history) label() string {
	return h.changeNode(func(node *corev1.Node) {
		switch h.IntN(3) {
		case 0:
			node.Labels["disk"] = "ssd"
		case 1:
			delete(node.Labels, "disk")
		case 2:
			node.Labels[corev1.LabelTopologyZone] = []string{"a", "b"}[h.IntN(2)]
		}
	})
}

func (h *history) taint() string {
	return h.changeNode(func(node *corev1.Node) {
		node.Spec.Taints = nil
		if h.IntN(3) == 0 {
			effect := []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectPreferNoSchedule}[h.IntN(3)]
			for _, key := range []string{"k", "l", "m"}[h.IntN(3):] {
				node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Effect: effect})
			}
		}
	})
}

func (h *history) cordon() string {
	return h.changeNode(func(node *corev1.Node) { node.Spec.Unschedulable = h.IntN(3) == 0 })
}

func (h *history) resize() string { return h.changeNode(h.allocate) }

func (h *history) pullImage() string {
	name := h.changeNode(func(node *corev1.Node) {
		node.Status.Images = nil
		if h.IntN(2) == 0 {
			node.Status.Images = []corev1.ContainerImage{{Names: []string{"web:latest"}, SizeBytes: 700 << 20}}
		}
	})
	h.touchAll()
	return name
}

// tryAndTakeBack changes the snapshot itself, and decides meanwhile, so that classes see what is then taken back.
func (h *history) tryAndTakeBack() string {
	h.Cache.Update(h.Snapshot)
	node := h.anyNode()
	info, _ := nodeinfo.NewPodInfo(h.newPod(podKinds[3]))
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	check(h.Snapshot.StartMutations())
	check(h.Snapshot.AddPod(info, node.Name))
	for _, pod := range h.pods {
		if pod.Spec.NodeName == node.Name {
			check(h.Snapshot.RemovePod(klog.Logger{}, pod, node.Name))
		}
	}
	for _, kind := range podKinds[:4] {
		a := h.attempt(h.newPod(kind))
		_, _, err := h.find(context.Background(), a)
		check(err)
	}
	check(h.Snapshot.EndMutations())
	return "on " + node.Name
}
