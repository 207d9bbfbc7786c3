package cpus

import (
	"context"
	"errors"
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
	"k8s.io/utils/cpuset"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

// eight are four cores of two threads in one node, numbered 0,4 1,5 2,6 3,7.
func eight() *topology.Machine { return build(2, 4, 1, 1, 1, true, false) }

func newManager(t *testing.T, root string, o Options) *Manager {
	t.Helper()
	p, err := NewPolicy(eight(), o, 1, cpuset.New())
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(root, p)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// guaranteed is a pod of which each container asks for as many CPUs as are given, written as "init:2 main:1".
func guaranteed(name, containers string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
	for word := range strings.FieldsSeq(containers) {
		name, cpu, _ := strings.Cut(word, ":")
		asks := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("1Gi")}
		spec := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: asks, Limits: asks}}
		if strings.HasPrefix(name, "init") {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		} else {
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
		}
	}
	return pod
}

// gets are the CPUs that the containers of a pod run on when they are made.
func gets(m *Manager, pod *corev1.Pod) string {
	var got []string
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if err := m.Allocate(pod, &spec, 0); err != nil {
			return err.Error()
		}
		config := &runtimeapi.ContainerConfig{Linux: &runtimeapi.LinuxContainerConfig{Resources: &runtimeapi.LinuxContainerResources{CpuQuota: 1}}}
		m.Container(pod, &spec, config)
		got = append(got, fmt.Sprintf("%s %s quota %d", spec.Name, config.Linux.Resources.CpusetCpus, config.Linux.Resources.CpuQuota))
	}
	return strings.Join(got, ", ")
}

func TestWhoHasWhichCPUs(t *testing.T) {
	for _, test := range []struct {
		name       string
		options    Options
		containers string
		want       string
	}{
		{"whole CPUs of a Guaranteed pod are its own, and without a quota", Options{}, "main:2", "main 1,5 quota -1"},
		{"a part of a CPU is shared", Options{}, "main:1500m", "main 0-7 quota 1"},
		{"what is left of a core is taken before another one is touched", Options{}, "main:3", "main 1,4-5 quota -1"},
		{"an init container passes its CPUs on", Options{}, "init:2 main:2", "init 1,5 quota -1, main 1,5 quota -1"},
		{"CPUs that are reserved are not shared where that is wanted", Options{StrictReservation: true}, "main:500m", "main 1-7 quota 1"},
		{"whole cores alone", Options{FullCores: true}, "main:2", "main 1,5 quota -1"},
		{"no half core", Options{FullCores: true}, "main:3", "SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2"},
		{"no core of which a part is reserved", Options{FullCores: true}, "main:8",
			"SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, requested CPUs = 8, CPUs per core = 2"},
		{"no more than there are", Options{}, "main:8", "not enough cpus available to satisfy request: requested=8, available=7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := gets(newManager(t, t.TempDir(), test.options), guaranteed("pod", test.containers)); got != test.want {
				t.Errorf("they run on %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhatIsGivenOutlivesTheAgent(t *testing.T) {
	root := t.TempDir()
	m := newManager(t, root, Options{})
	first := guaranteed("first", "main:2")
	gets(m, first)
	m = newManager(t, root, Options{})
	if got := gets(m, guaranteed("second", "main:2")); got != "main 2,6 quota -1" {
		t.Errorf("after a restart another pod has %s", got)
	}
	if got := gets(m, first); got != "main 1,5 quota -1" || !m.Has(first, &first.Spec.Containers[0]) {
		t.Errorf("after a restart the pod has %s", got)
	}
	if err := m.Release("first"); err != nil {
		t.Fatal(err)
	}
	m = newManager(t, root, Options{})
	if got := gets(m, guaranteed("third", "main:500m")); got != "main 0-1,3-5,7 quota 1" || fmt.Sprint(m.Pods()) != "[second]" {
		t.Errorf("when it is over, what is shared are %s, and pods with CPUs are %v", got, m.Pods())
	}
}

func TestAStateThatDoesNotFitIsAnError(t *testing.T) {
	for want, text := range map[string]string{
		`configured policy "static" differs from state checkpoint policy "none"`:     `{"policyName": "none"}`,
		`not all reserved cpus: "0" are present in defaultCpuSet: "1-7"`:             `{"policyName": "static", "defaultCpuSet": "1-7"}`,
		`current set of available CPUs "0-7" doesn't match with CPUs in state "0-3"`: `{"policyName": "static", "defaultCpuSet": "0-3"}`,
		`pod: u, container: c cpuset: "1" overlaps with default cpuset "0-7"`:        `{"policyName": "static", "defaultCpuSet": "0-7", "entries": {"u": {"c": "1"}}}`,
	} {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, StateFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := NewPolicy(eight(), Options{}, 1, cpuset.New())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(root, p); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "drain the node and remove "+root) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if err := CheckNone(root); err == nil {
			t.Error("a node whose containers have CPUs begins without the policy")
		}
	}
	if err := CheckNone(t.TempDir()); err != nil {
		t.Error(err)
	}
}

// wards are containers that run, and what they were told.
type wards struct {
	running []*runtimeapi.Container
	told    []string
	fails   error
}

func (w *wards) ListContainers(_ context.Context, f *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	if f.GetLabelSelector()[cri.LabelAgent] != "node" || f.GetState().GetState() != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil, errors.New("containers of others are asked for")
	}
	return w.running, nil
}

func (w *wards) UpdateContainerResources(_ context.Context, id string, r *runtimeapi.ContainerResources) error {
	if w.fails == nil {
		w.told = append(w.told, id+" "+r.GetLinux().GetCpusetCpus())
	}
	return w.fails
}

func TestContainersFollowTheSharedPool(t *testing.T) {
	container := func(pod string) *runtimeapi.Container {
		return &runtimeapi.Container{Id: pod, Labels: map[string]string{cri.LabelPodUID: pod}, Metadata: &runtimeapi.ContainerMetadata{Name: "main"}}
	}
	m, w := newManager(t, t.TempDir(), Options{}), &wards{running: []*runtimeapi.Container{container("own"), container("shares")}}
	r := &Reconciler{Manager: m, Runtime: w, Agent: "node"}
	reconcile := func(want string) {
		t.Helper()
		w.told = nil
		if err := r.Reconcile(t.Context()); err != nil && w.fails == nil {
			t.Error(err)
		}
		if got := strings.Join(w.told, ", "); got != want {
			t.Errorf("it is told %q, want %q", got, want)
		}
	}
	reconcile("own 0-7, shares 0-7")
	reconcile("")
	gets(m, guaranteed("own", "main:2"))
	select {
	case <-m.changed:
	default:
		t.Error("nobody is told that the shared pool has changed")
	}
	w.fails = errors.New("the runtime is away")
	reconcile("")
	w.fails = nil
	reconcile("own 1,5, shares 0,2-4,6-7")
	if err := m.Release("own"); err != nil {
		t.Fatal(err)
	}
	w.running = w.running[1:]
	reconcile("shares 0-7")
}

func TestOptionsAreReadAsTheKubeletsAre(t *testing.T) {
	o, err := ParseOptions(map[string]string{"full-pcpus-only": "true", "strict-cpu-reservation": "false", "distribute-cpus-across-numa": "true"})
	if err != nil || o != (Options{FullCores: true, Distribute: true}) {
		t.Errorf("they are %+v, %v", o, err)
	}
	for _, wrong := range []map[string]string{
		{"align-by-socket": "true"}, {"full-pcpus-only": "perhaps"}, {"distribute-cpus-across-numa": "true", "prefer-align-cpus-by-uncorecache": "true"},
	} {
		if _, err := ParseOptions(wrong); err == nil {
			t.Errorf("%v is no error", wrong)
		}
	}
	if _, err := NewPolicy(eight(), Options{}, 2, cpuset.New(0)); err == nil {
		t.Error("another number of CPUs is reserved than is named")
	}
	if _, err := NewPolicy(eight(), Options{}, 1, cpuset.New(9)); err == nil {
		t.Error("a CPU is reserved that there is not")
	}
}
