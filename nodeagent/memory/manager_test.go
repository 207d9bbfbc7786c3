package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// twoNodes have 4 GiB each, of which one is reserved on the first.
func twoNodes(t *testing.T) *Policy {
	t.Helper()
	m := &topology.Machine{Nodes: []topology.Node{{ID: 0, Memory: 4 * gi}, {ID: 1, Memory: 4 * gi}}}
	reserved := map[int]map[corev1.ResourceName]int64{0: {corev1.ResourceMemory: gi}}
	p, err := NewPolicy(m, reserved, corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourceCPU: resource.MustParse("1")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func guaranteed(name, containers string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	for word := range strings.FieldsSeq(containers) {
		name, size, _ := strings.Cut(word, ":")
		asks := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse(size)}
		spec := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: asks, Limits: asks}}
		if strings.HasPrefix(name, "init") {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		} else {
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
		}
	}
	return pod
}

// gets are the nodes of whose memory a pod's containers are made, or why the pod is refused.
func gets(m *Manager, pod *corev1.Pod, best topology.Hint) string {
	var got []string
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if err := m.Allocate(pod, &spec, best); err != nil {
			return err.Error()
		}
		config := &runtimeapi.ContainerConfig{Linux: &runtimeapi.LinuxContainerConfig{Resources: &runtimeapi.LinuxContainerResources{}}}
		m.Container(pod, &spec, config)
		got = append(got, spec.Name+" "+config.Linux.Resources.CpusetMems)
	}
	return strings.Join(got, ", ")
}

func TestOfWhichNodesMemoryIs(t *testing.T) {
	whatever := topology.Hint{Preferred: true}
	for _, test := range []struct {
		name string
		best topology.Hint
		pods []string
		want string
	}{
		{"of the first with enough", whatever, []string{"main:2Gi", "main:2Gi"}, "main 0; main 1"},
		{"not of what is reserved", whatever, []string{"main:4Gi"}, "main 1"},
		{"of the ones that were chosen", topology.Hint{Nodes: topology.NodesOf(1), Preferred: true}, []string{"main:1Gi"}, "main 1"},
		{"of several, where one has not enough", whatever, []string{"main:6Gi"}, "main 0-1"},
		{"containers after init containers have what those had", whatever, []string{"init:3Gi main:3Gi"}, "init 0, main 0"},
		{"a node that gives to one alone gives to none with others", whatever, []string{"main:1Gi", "main:6Gi"},
			"main 0; [memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := New(t.TempDir(), twoNodes(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, containers := range test.pods {
				got = append(got, gets(m, guaranteed(fmt.Sprint("pod-", i), containers), test.best))
			}
			if text := strings.Join(got, "; "); text != test.want {
				t.Errorf("it is of %s, want %s", text, test.want)
			}
		})
	}
}

func TestWhatIsGivenOutlivesTheAgent(t *testing.T) {
	root := t.TempDir()
	begin := func() *Manager {
		t.Helper()
		m, err := New(root, twoNodes(t))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := guaranteed("first", "main:3Gi")
	gets(begin(), first, topology.Hint{Preferred: true})
	m := begin()
	if got := gets(m, guaranteed("second", "main:1Gi"), topology.Hint{Preferred: true}); got != "main 1" || !m.Has(first, &first.Spec.Containers[0]) {
		t.Errorf("after a restart another pod has memory of %s", got)
	}
	if err := m.Release("first"); err != nil || fmt.Sprint(m.Pods()) != "[second]" {
		t.Errorf("when the first is over (%v), pods with memory are %q", err, m.Pods())
	}
	if got := gets(begin(), guaranteed("third", "main:3Gi"), topology.Hint{Preferred: true}); got != "main 0" {
		t.Errorf("of what it had a third pod has memory of %s", got)
	}
	larger := twoNodes(t)
	larger.Machine.Nodes[1].Memory = 8 * gi
	for name, policy := range map[string]*Policy{"with more memory": larger, "with less reserved": {Machine: twoNodes(t).Machine}} {
		if _, err := New(root, policy); err == nil || !strings.Contains(err.Error(), "the expected machine state is different from the real one") {
			t.Errorf("a machine %s is taken for the same: %v", name, err)
		}
	}
	if err := CheckNone(root); err == nil {
		t.Error("a node whose containers have memory begins without the policy")
	}
	if err := os.WriteFile(filepath.Join(root, StateFile), []byte(`{"policyName":"None"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(root, twoNodes(t)); err == nil {
		t.Error("a state of another policy is taken over")
	}
}

func TestWhatIsReservedHasToFitTheNode(t *testing.T) {
	of := func(node int32, name corev1.ResourceName, size string) kubeletconfigv1beta1.MemoryReservation {
		return kubeletconfigv1beta1.MemoryReservation{NumaNode: node, Limits: corev1.ResourceList{name: resource.MustParse(size)}}
	}
	withheld := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
	for want, list := range map[string][]kubeletconfigv1beta1.MemoryReservation{
		"reservedMemory[0].limits: cpu: want memory":                                               {of(0, "cpu", "1")},
		"reservedMemory[0].limits: memory: 0: want more":                                           {of(0, "memory", "0")},
		"reservedMemory[1].limits: memory: it is there twice":                                      {of(0, "memory", "1Gi"), of(0, "memory", "1Gi")},
		"references a NUMA node 7 that does not exist":                                             {of(7, "memory", "1Gi")},
		`the total amount "2Gi" of type "memory" is not equal to the value "1Gi"`:                  {of(0, "memory", "2Gi")},
		`the total amount "0" of type "memory" is not equal to the value "1Gi" determined by Node`: {},
		"": {of(0, "memory", "512Mi"), of(1, "memory", "512Mi")},
	} {
		reserved, err := ParseReserved(list)
		if err == nil {
			_, err = NewPolicy(twoNodes(t).Machine, reserved, withheld)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v, want %q", list, err, want)
		}
	}
}
