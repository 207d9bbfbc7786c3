package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	cadvisorapi "github.com/google/cadvisor/lib/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/cm/memorymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/memorymanager/state"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager/bitmask"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

const (
	gi       = 1 << 30
	twoMegs  = "hugepages-2Mi"
	pageSize = 2048 // in kilobytes
)

// affinity is a store of upstream's that has one hint for all.
type affinity struct{ hint topologymanager.TopologyHint }

func (a *affinity) GetAffinity(klog.Logger, string, string) topologymanager.TopologyHint {
	return a.hint
}
func (a *affinity) GetPolicy() topologymanager.Policy { return topologymanager.NewNonePolicy() }
func (a *affinity) Name() string                      { return "container" }

// pair is our policy and upstream's, each with its state.
type pair struct {
	ours     *Policy
	state    State
	theirs   memorymanager.Policy
	theirsIn state.State
	best     *affinity
	pods     []*corev1.Pod
}

func newPair(t *rapid.T) *pair {
	m, same := &topology.Machine{}, &cadvisorapi.MachineInfo{}
	reserved, sameReserved := map[int]map[corev1.ResourceName]int64{}, map[int]map[corev1.ResourceName]uint64{}
	for id := range rapid.IntRange(1, 4).Draw(t, "nodes") {
		memory, pages := rapid.Int64Range(4, 10).Draw(t, "memory")*gi, rapid.Int64Range(0, 1024).Draw(t, "huge pages")
		m.Nodes = append(m.Nodes, topology.Node{ID: id, Memory: memory, HugePages: map[corev1.ResourceName]int64{twoMegs: pages << 21}})
		same.Topology = append(same.Topology, cadvisorapi.Node{
			Id: id, Memory: uint64(memory), HugePages: []cadvisorapi.HugePagesInfo{{PageSize: pageSize, NumPages: uint64(pages)}},
		})
		keep := rapid.Int64Range(0, 1).Draw(t, "reserved") * gi
		if id == 0 {
			keep = gi
		}
		reserved[id] = map[corev1.ResourceName]int64{corev1.ResourceMemory: keep}
		sameReserved[id] = map[corev1.ResourceName]uint64{corev1.ResourceMemory: uint64(keep)}
	}
	p := &pair{ours: &Policy{Machine: m, Reserved: reserved}, best: &affinity{}, theirsIn: state.NewMemoryState(logr.Discard())}
	var err error
	if p.theirs, err = memorymanager.NewPolicyStatic(logr.Discard(), same, sameReserved, p.best); err != nil {
		t.Fatal(err)
	}
	if err := p.theirs.Start(logr.Discard(), p.theirsIn); err != nil {
		t.Fatal(err)
	}
	p.state = p.ours.initial()
	return p
}

func anyPod(t *rapid.T, number int) *corev1.Pod {
	name := fmt.Sprint("pod-", number)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	add := func(list *[]corev1.Container, name string) *corev1.Container {
		asks := corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("1"),
			corev1.ResourceMemory: *resource.NewQuantity(rapid.Int64Range(1, 12).Draw(t, "memory")*gi/2, resource.BinarySI),
		}
		if rapid.IntRange(0, 2).Draw(t, "with huge pages") == 0 {
			asks[twoMegs] = *resource.NewQuantity(rapid.Int64Range(1, 512).Draw(t, "pages")<<21, resource.BinarySI)
		}
		*list = append(*list, corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: asks, Limits: asks.DeepCopy()}})
		return &(*list)[len(*list)-1]
	}
	always := corev1.ContainerRestartPolicyAlways
	for i := range rapid.IntRange(0, 2).Draw(t, "init containers") {
		if spec := add(&pod.Spec.InitContainers, fmt.Sprint("init-", i)); rapid.Bool().Draw(t, "sidecar") {
			spec.RestartPolicy = &always
		}
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "containers") {
		add(&pod.Spec.Containers, fmt.Sprint("main-", i))
	}
	if rapid.IntRange(0, 5).Draw(t, "burstable") == 0 {
		delete(pod.Spec.Containers[0].Resources.Limits, corev1.ResourceCPU)
	}
	return pod
}

// TestTheKubeletGivesTheSameMemory has pods come and go on random machines.
func TestTheKubeletGivesTheSameMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t)
		for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
			if len(p.pods) > 0 && rapid.IntRange(0, 2).Draw(t, "a pod goes") == 0 {
				p.remove(rapid.IntRange(0, len(p.pods)-1).Draw(t, "which"))
			} else {
				p.add(t, anyPod(t, i))
			}
			p.compare(t)
			if err := p.ours.check(p.state); err != nil {
				t.Fatalf("the state cannot be: %v", err)
			}
		}
	})
}

func (p *pair) add(t *rapid.T, pod *corev1.Pod) {
	p.pods = append(p.pods, pod)
	sameHints(t, p.ours.PodHints(p.state, pod), p.theirs.GetPodTopologyHints(logr.Discard(), p.theirsIn, pod, lifecycle.AddOperation))
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		hints := p.ours.Hints(p.state, pod, &spec)
		sameHints(t, hints, p.theirs.GetTopologyHints(logr.Discard(), p.theirsIn, pod, &spec, lifecycle.AddOperation))
		best := topology.Hint{Preferred: true}
		if list := hints[string(corev1.ResourceMemory)]; len(list) > 0 && rapid.Bool().Draw(t, "by a hint") {
			best = rapid.SampledFrom(list).Draw(t, "hint")
			if part := topology.NodesOf(best.Nodes.IDs()[0]); rapid.IntRange(0, 2).Draw(t, "a part of it") == 0 {
				best.Nodes = part
			}
		}
		p.best.hint = topologymanager.TopologyHint{Preferred: best.Preferred}
		if best.Nodes != 0 {
			mask, err := bitmask.NewBitMask(best.Nodes.IDs()...)
			if err != nil {
				t.Fatal(err)
			}
			p.best.hint.NUMANodeAffinity = mask
		}
		next, err := p.ours.Allocate(p.state, pod, &spec, best)
		p.state = next
		if want := p.theirs.Allocate(klog.NewContext(t.Context(), logr.Discard()), p.theirsIn, pod, &spec, lifecycle.AddOperation); fmt.Sprint(err) != fmt.Sprint(want) {
			t.Fatalf("container %s is refused with %v, want %v", spec.Name, err, want)
		}
		if err != nil { // its pod is refused, and gets no further
			return
		}
	}
}

func (p *pair) remove(i int) {
	pod := p.pods[i]
	p.pods = slices.Delete(p.pods, i, i+1)
	p.state = p.state.release(string(pod.UID))
	for _, name := range slices.Sorted(maps.Keys(p.theirsIn.GetMemoryAssignments()[string(pod.UID)])) {
		p.theirs.RemoveContainer(logr.Discard(), p.theirsIn, string(pod.UID), name)
	}
}

func (p *pair) compare(t *rapid.T) {
	var got, want []string
	theirs := p.theirsIn.GetMachineState()
	for _, id := range slices.Sorted(maps.Keys(p.state.Nodes)) {
		n, u := p.state.Nodes[id], theirs[id]
		slices.Sort(u.Cells)
		got, want = append(got, fmt.Sprint(id, n.Assignments, n.Group)), append(want, fmt.Sprint(id, u.NumberOfAssignments, u.Cells))
		for _, name := range []corev1.ResourceName{corev1.ResourceMemory, twoMegs} {
			a, b := n.Memory[name], u.MemoryMap[name]
			got = append(got, fmt.Sprint(name, a.Total, a.System, a.Offered, a.Given, a.Free))
			want = append(want, fmt.Sprint(name, b.TotalMemSize, b.SystemReserved, b.Allocatable, b.Reserved, b.Free))
		}
	}
	for _, pod := range p.pods {
		for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			for _, b := range p.state.Given[string(pod.UID)][spec.Name] {
				got = append(got, fmt.Sprint(pod.Name, spec.Name, b))
			}
			blocks := p.theirsIn.GetMemoryBlocks(string(pod.UID), spec.Name)
			slices.SortFunc(blocks, func(a, b state.Block) int { return strings.Compare(string(a.Type), string(b.Type)) })
			for _, b := range blocks {
				want = append(want, fmt.Sprint(pod.Name, spec.Name, Block{b.NUMAAffinity, b.Type, int64(b.Size)}))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the memory is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func sameHints(t *rapid.T, ours topology.Hints, theirs map[string][]topologymanager.TopologyHint) {
	told, same := map[string][]string{}, map[string][]string{}
	for name, list := range theirs {
		for _, h := range list {
			told[name] = append(told[name], fmt.Sprint(h.NUMANodeAffinity.GetBits(), h.Preferred))
		}
	}
	for name, list := range ours {
		for _, h := range list {
			same[name] = append(same[name], fmt.Sprint(h.Nodes.IDs(), h.Preferred))
		}
	}
	if !maps.EqualFunc(same, told, slices.Equal) {
		t.Fatalf("the hints are %v, want %v", same, told)
	}
}
