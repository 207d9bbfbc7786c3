package assignments

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// twoNodes have four CPUs each, in two cores: 0-3 and 4-7.
func twoNodes() *topology.Machine {
	m := &topology.Machine{CPUs: map[int]topology.CPU{}, Nodes: []topology.Node{{ID: 0}, {ID: 1}}}
	for cpu := range 8 {
		m.CPUs[cpu] = topology.CPU{Core: cpu / 2 * 2, Socket: cpu / 4, Node: cpu / 4, Cache: cpu / 4}
	}
	return m
}

func newManager(t *testing.T, policy string, wholePods bool, o cpus.Options) *Manager {
	t.Helper()
	root, machine := t.TempDir(), twoNodes()
	p, err := cpus.NewPolicy(machine, o, 1, cpuset.New())
	if err != nil {
		t.Fatal(err)
	}
	given, err := cpus.New(root, p)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{
		Devices: devices.New(devices.Options{Root: root}), CPUs: given, Topology: topology.Policy{Name: policy, Machine: machine}, WholePods: wholePods,
	})
}

// asking is a Guaranteed pod whose containers ask for so many CPUs each.
func asking(name string, amounts ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	for i, cpu := range amounts {
		asks := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi")}
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: fmt.Sprint("c", i), Resources: corev1.ResourceRequirements{Requests: asks, Limits: asks},
		})
	}
	return pod
}

// gets is what a pod is given, or why it is refused.
func gets(t *testing.T, m *Manager, pod *corev1.Pod) string {
	if refused := m.Assign(t.Context(), pod); refused != nil {
		return refused.Reason + ": " + refused.Message
	}
	var got []string
	for i := range pod.Spec.Containers {
		got = append(got, m.CPUs.Given(pod.UID, pod.Spec.Containers[i].Name).String())
	}
	return strings.Join(got, " and ")
}

func TestWhereContainersAreBound(t *testing.T) {
	const affinity = "TopologyAffinityError: Resources cannot be allocated with Topology locality"
	for _, test := range []struct {
		name, policy string
		wholePods    bool
		options      cpus.Options
		pods         []*corev1.Pod
		want         string
	}{
		{"without a policy CPUs are of whatever node", topology.None, false, cpus.Options{}, []*corev1.Pod{asking("a", "2"), asking("b", "3")}, "2-3; 1,4-5"},
		{"of one node", topology.SingleNUMANode, false, cpus.Options{}, []*corev1.Pod{asking("a", "3", "2")}, "1-3 and 4-5"},
		{"each container of a pod by itself", topology.SingleNUMANode, false, cpus.Options{}, []*corev1.Pod{asking("a", "2", "3")}, "2-3 and 4-6"},
		{"all containers of a pod together", topology.SingleNUMANode, true, cpus.Options{}, []*corev1.Pod{asking("a", "2", "2")}, "4-5 and 6-7"},
		{"a pod that fits into no node is refused", topology.SingleNUMANode, true, cpus.Options{}, []*corev1.Pod{asking("a", "2", "3")}, affinity},
		{"one that needs several nodes by its nature is not, where that is enough", topology.Restricted, false, cpus.Options{}, []*corev1.Pod{asking("a", "5")}, "1,4-7"},
		{"one for which the nodes have not enough any more is", topology.Restricted, false, cpus.Options{},
			[]*corev1.Pod{asking("a", "2"), asking("b", "2"), asking("c", "2"), asking("d", "1")}, "2-3; 4-5; 6-7; 1"},
		{"one that needs more nodes than it would on an empty machine", topology.Restricted, false, cpus.Options{},
			[]*corev1.Pod{asking("a", "2"), asking("b", "3"), asking("c", "2")}, "2-3; 4-6; " + affinity},
		{"or has to make do with that", topology.BestEffort, false, cpus.Options{},
			[]*corev1.Pod{asking("a", "2"), asking("b", "3"), asking("c", "2")}, "2-3; 4-6; 1,7"},
		{"parts of cores are refused with a reason of their own", topology.None, false, cpus.Options{FullCores: true}, []*corev1.Pod{asking("a", "3")},
			"SMTAlignmentError: SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2"},
		{"more than there is", topology.None, false, cpus.Options{}, []*corev1.Pod{asking("a", "8")},
			"UnexpectedAdmissionError: Allocate failed due to not enough cpus available to satisfy request: requested=8, available=7, which is unexpected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, test.policy, test.wholePods, test.options)
			var got []string
			for _, pod := range test.pods {
				got = append(got, gets(t, m, pod))
			}
			if text := strings.Join(got, "; "); text != test.want {
				t.Errorf("they are given %s, want %s", text, test.want)
			}
		})
	}
}

func TestWhatAPodHasIsItsOwnUntilItIsOver(t *testing.T) {
	m := newManager(t, topology.SingleNUMANode, false, cpus.Options{})
	pod, sharing := asking("pod", "2"), asking("sharing", "500m")
	if m.Assigned(pod) || !m.Assigned(sharing) {
		t.Error("a pod that is to have CPUs is said to have them, or one that shares not to")
	}
	if got := gets(t, m, pod); !m.Assigned(pod) || !m.Exclusive(pod) || m.Exclusive(sharing) || fmt.Sprint(m.Pods()) != "[pod]" {
		t.Errorf("it is given %s, and pods with something are %q", got, m.Pods())
	}
	resized := asking("pod", "3")
	const want = `Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"`
	if got := m.Infeasible(resized, pod); got != want || m.Infeasible(pod, pod.DeepCopy()) != "" {
		t.Errorf("a resize is refused with %q, want %q", got, want)
	}
	if err := m.Release("pod"); err != nil || m.Assigned(pod) || len(m.Pods()) > 0 {
		t.Errorf("after it is over (%v), pods with something are %q", err, m.Pods())
	}
}

// Between a hint and its use nothing else may be given away.
func TestPodsThatComeAtOnceAreBoundAsOneByOne(t *testing.T) {
	for range 20 {
		m := newManager(t, topology.SingleNUMANode, false, cpus.Options{})
		var group sync.WaitGroup
		got := make([]string, 6)
		for i := range got {
			group.Go(func() { got[i] = gets(t, m, asking(fmt.Sprint("pod-", i), "2")) })
		}
		group.Wait()
		slices.Sort(got)
		const affinity = "TopologyAffinityError: Resources cannot be allocated with Topology locality"
		if want := []string{"2-3", "4-5", "6-7", affinity, affinity, affinity}; !slices.Equal(got, want) {
			t.Fatalf("they are given %q, want %q", got, want)
		}
	}
}
