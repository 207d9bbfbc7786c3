package cpus

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/cm/cpumanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/cpumanager/state"
	upstream "k8s.io/kubernetes/pkg/kubelet/cm/cpumanager/topology"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager/bitmask"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	"k8s.io/utils/cpuset"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// anyMachine has groups that are alike.
func anyMachine(t *rapid.T) *topology.Machine {
	threads, cores := rapid.IntRange(1, 2).Draw(t, "threads"), rapid.IntRange(1, 4).Draw(t, "cores in a cache")
	caches, nodes := rapid.IntRange(1, 2).Draw(t, "caches in a node"), rapid.IntRange(1, 3).Draw(t, "nodes in a socket")
	sockets, apart := rapid.IntRange(1, 2).Draw(t, "sockets"), rapid.Bool().Draw(t, "threads are numbered apart")
	nodeOfSockets := nodes == 1 && rapid.Bool().Draw(t, "all sockets are in one node")
	return build(threads, cores, caches, nodes, sockets, apart, nodeOfSockets)
}

func build(threads, cores, caches, nodes, sockets int, apart, nodeOfSockets bool) *topology.Machine {
	m := &topology.Machine{CPUs: map[int]topology.CPU{}}
	all := sockets * nodes * caches * cores
	for core := range all {
		cache := core / cores
		node := cache / caches
		socket := node / nodes
		if nodeOfSockets {
			node = 0
		}
		first := core
		if !apart {
			first = core * threads
		}
		for thread := range threads {
			number := first + thread
			if apart {
				number = first + thread*all
			}
			m.CPUs[number] = topology.CPU{Core: first, Socket: socket, Node: node, Cache: cache}
		}
	}
	for _, id := range m.Groups(m.All(), topology.NUMANodes) {
		m.Nodes = append(m.Nodes, topology.Node{ID: id})
	}
	return m
}

func upstreamsMachine(m *topology.Machine) *upstream.CPUTopology {
	u := &upstream.CPUTopology{
		NumCPUs: len(m.CPUs), NumCores: m.Count(topology.Cores), NumUncoreCache: m.Count(topology.Caches), NumSockets: m.Count(topology.Sockets),
		NumNUMANodes: m.Count(topology.NUMANodes), CPUDetails: upstream.CPUDetails{},
	}
	for number, cpu := range m.CPUs {
		u.CPUDetails[number] = upstream.CPUInfo{NUMANodeID: cpu.Node, SocketID: cpu.Socket, CoreID: cpu.Core, UncoreCacheID: cpu.Cache}
	}
	return u
}

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
	theirs   cpumanager.Policy
	theirsIn state.State
	near     *affinity
	pods     []*corev1.Pod
}

func newPair(t *rapid.T) *pair {
	m := anyMachine(t)
	o := Options{
		FullCores: rapid.Bool().Draw(t, "full cores"), StrictReservation: rapid.Bool().Draw(t, "strict reservation"),
	}
	switch rapid.IntRange(0, 2).Draw(t, "distribute or align") {
	case 1:
		o.Distribute = len(m.Nodes) <= 3 // of four and more, the sets that upstream remembers are overwritten by those that come after them
	case 2:
		o.AlignByCache = true
	}
	count, named := rapid.IntRange(1, max(1, len(m.CPUs)/3)).Draw(t, "reserved"), cpuset.New()
	if !o.Distribute && rapid.Bool().Draw(t, "named") {
		named = cpuset.New(rapid.Permutation(m.All().List()).Draw(t, "names")[:count]...)
	}
	options := map[string]string{
		"full-pcpus-only": strconv.FormatBool(o.FullCores), "strict-cpu-reservation": strconv.FormatBool(o.StrictReservation),
		"distribute-cpus-across-numa": strconv.FormatBool(o.Distribute), "prefer-align-cpus-by-uncorecache": strconv.FormatBool(o.AlignByCache),
	}
	p := &pair{near: &affinity{}}
	var err error
	if p.ours, err = NewPolicy(m, o, count, named); err != nil {
		t.Fatal(err)
	}
	if p.theirs, err = cpumanager.NewStaticPolicy(logr.Discard(), upstreamsMachine(m), count, named, p.near, options); err != nil {
		t.Fatal(err)
	}
	p.state, p.theirsIn = State{Shared: p.ours.shareable()}, state.NewMemoryState(logr.Discard())
	if err := p.theirs.Start(logr.Discard(), p.theirsIn); err != nil {
		t.Fatal(err)
	}
	return p
}

func anyPod(t *rapid.T, number, cpus int) *corev1.Pod {
	name := fmt.Sprint("pod-", number)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	add := func(list *[]corev1.Container, name string) *corev1.Container {
		cpu := rapid.SampledFrom([]string{"1", "2", "3", "4", "500m", "1500m"}).Draw(t, "cpu")
		if rapid.IntRange(0, 4).Draw(t, "large") == 0 {
			cpu = strconv.Itoa(rapid.IntRange(1, cpus).Draw(t, "cpus"))
		}
		asks := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi")}
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
	if rapid.IntRange(0, 4).Draw(t, "burstable") == 0 {
		delete(pod.Spec.Containers[0].Resources.Limits, corev1.ResourceMemory)
	}
	return pod
}

// TestTheKubeletGivesTheSameCPUs has pods come and go on random machines.
func TestTheKubeletGivesTheSameCPUs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t)
		for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
			if len(p.pods) > 0 && rapid.IntRange(0, 2).Draw(t, "a pod goes") == 0 {
				p.remove(t, rapid.IntRange(0, len(p.pods)-1).Draw(t, "which"))
			} else {
				p.add(t, anyPod(t, i, len(p.ours.Machine.CPUs)))
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
	log := logr.Discard()
	sameHints(t, p.ours.PodHints(p.state, pod), p.theirs.GetPodTopologyHints(log, p.theirsIn, pod, lifecycle.AddOperation))
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		sameHints(t, p.ours.Hints(p.state, pod, &spec), p.theirs.GetTopologyHints(log, p.theirsIn, pod, &spec, lifecycle.AddOperation))
		near := topology.Nodes(0)
		p.near.hint = topologymanager.TopologyHint{Preferred: true}
		if nodes := p.ours.Machine.NodeIDs(); rapid.Bool().Draw(t, "near") {
			for _, id := range nodes {
				if rapid.Bool().Draw(t, "to this node") {
					near |= topology.NodesOf(id)
				}
			}
			if near != 0 {
				mask, err := bitmask.NewBitMask(near.IDs()...)
				if err != nil {
					t.Fatal(err)
				}
				p.near.hint.NUMANodeAffinity = mask
			}
		}
		next, err := p.ours.Allocate(p.state, pod, &spec, near)
		p.state = next
		if want := p.theirs.Allocate(log, p.theirsIn, pod, &spec, lifecycle.AddOperation); fmt.Sprint(err) != fmt.Sprint(want) {
			t.Fatalf("container %s is refused with %v, want %v", spec.Name, err, want)
		}
	}
}

func (p *pair) remove(t *rapid.T, i int) {
	pod := p.pods[i]
	p.pods = slices.Delete(p.pods, i, i+1)
	p.state = p.state.release(string(pod.UID))
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if err := p.theirs.RemoveContainer(logr.Discard(), p.theirsIn, string(pod.UID), spec.Name); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pair) compare(t *rapid.T) {
	got, want := fmt.Sprint(p.state.Shared), fmt.Sprint(p.theirsIn.GetDefaultCPUSet())
	given := p.theirsIn.GetCPUAssignments()
	for _, pod := range p.pods {
		for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			got += fmt.Sprintf("; %s/%s %s", pod.Name, spec.Name, p.state.Given[string(pod.UID)][spec.Name])
			want += fmt.Sprintf("; %s/%s %s", pod.Name, spec.Name, given[string(pod.UID)][spec.Name])
		}
	}
	if got != want {
		t.Fatalf("on %v\nwith %+v\nthe CPUs are\n%s, want\n%s", p.ours.Machine.CPUs, p.ours.Options, got, want)
	}
}

func sameHints(t *rapid.T, ours topology.Hints, theirs map[string][]topologymanager.TopologyHint) {
	told := map[string][]string{}
	for name, list := range theirs {
		told[name] = []string{}
		for _, h := range list {
			told[name] = append(told[name], fmt.Sprint(h.NUMANodeAffinity.GetBits(), h.Preferred))
		}
	}
	same := map[string][]string{}
	for name, list := range ours {
		same[name] = []string{}
		for _, h := range list {
			same[name] = append(same[name], fmt.Sprint(h.Nodes.IDs(), h.Preferred))
		}
	}
	if !maps.EqualFunc(same, told, slices.Equal) {
		t.Fatalf("the hints are %v, want %v", same, told)
	}
}
