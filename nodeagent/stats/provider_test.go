package stats

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// node is a simulated node whose pods use what their annotations say.
type node struct {
	*simulated.Runtime
	t     *testing.T
	clock *testingclock.FakeClock
	pods  []*corev1.Pod
}

func newNode(t *testing.T) *node {
	clock := testingclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	return &node{simulated.New(simulated.Options{Clock: clock, Images: []string{"image"}}), t, clock, nil}
}

// run runs a pod with containers, and returns their IDs.
func (n *node) run(name string, annotations map[string]string, containers ...string) (ids []string) {
	n.t.Helper()
	ctx := context.Background()
	labels := func(container string) map[string]string {
		return map[string]string{cri.LabelAgent: "one", cri.LabelPodUID: "uid-" + name, cri.LabelContainerName: container}
	}
	sandbox := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: name, Uid: "uid-" + name}, Labels: labels(""), Annotations: annotations,
	}
	id, err := n.RunPodSandbox(ctx, sandbox, "")
	if err != nil {
		n.t.Fatal(err)
	}
	for _, container := range containers {
		made, err := n.CreateContainer(ctx, id, &runtimeapi.ContainerConfig{
			Metadata: &runtimeapi.ContainerMetadata{Name: container}, Image: &runtimeapi.ImageSpec{Image: "image"}, Labels: labels(container),
		}, sandbox)
		if err == nil {
			err = n.StartContainer(ctx, made)
		}
		if err != nil {
			n.t.Fatal(err)
		}
		ids = append(ids, made)
	}
	n.pods = append(n.pods, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID("uid-" + name)}})
	return ids
}

func (n *node) provider() *Provider {
	return &Provider{
		Node: "one", Runtime: n.Runtime, Pods: func() []*corev1.Pod { return n.pods }, Began: n.Began(), Clock: n.clock,
		Machine: func() (Usage, error) {
			cpu, memory := n.Used()
			return Usage{CPU: cpu, Memory: memory, WorkingSet: memory}, nil
		},
	}
}

func (n *node) measure() *statsv1alpha1.Summary {
	n.t.Helper()
	summary, err := n.provider().CPUAndMemory(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	return summary
}

// usage is of each container how many seconds of CPU time and bytes of memory it uses.
func usage(summary *statsv1alpha1.Summary) map[string][2]float64 {
	found := map[string][2]float64{}
	for _, pod := range summary.Pods {
		for _, c := range pod.Containers {
			found[pod.PodRef.Name+"/"+c.Name] = [2]float64{float64(*c.CPU.UsageCoreNanoSeconds) / 1e9, float64(*c.Memory.WorkingSetBytes)}
		}
		found[pod.PodRef.Name] = [2]float64{float64(*pod.CPU.UsageCoreNanoSeconds) / 1e9, float64(*pod.Memory.WorkingSetBytes)}
	}
	return found
}

func TestTellsWhatEachContainerUses(t *testing.T) {
	n := newNode(t)
	n.run("web", map[string]string{
		simulated.AnnotationPrefix + "cpu-usage": "500m", simulated.AnnotationPrefix + "memory-usage": "64Mi",
		simulated.AnnotationPrefix + "memory-usage.sidecar": "16Mi",
	}, "web", "sidecar")
	n.run("idle", nil, "idle")
	n.clock.Step(10 * time.Second)
	want := map[string][2]float64{
		"web/web": {5, 64 << 20}, "web/sidecar": {5, 16 << 20}, "web": {10, 80 << 20}, "idle/idle": {0.01, 1 << 20}, "idle": {0.01, 1 << 20},
	}
	summary := n.measure()
	if diff := cmp.Diff(want, usage(summary)); diff != "" {
		t.Error(diff)
	}
	if first := summary.Pods[0].PodRef; first != (statsv1alpha1.PodReference{Name: "idle", Namespace: "default", UID: "uid-idle"}) {
		t.Errorf("the first pod is %+v, want them in the order of their names", first)
	}
	if cpu := *summary.Node.CPU.UsageCoreNanoSeconds; cpu < 10e9 {
		t.Errorf("the node used %d ns, and its pods more", cpu)
	}
}

func TestWhatHasEndedIsNotTold(t *testing.T) {
	n := newNode(t)
	ids := n.run("web", nil, "web", "job")
	n.clock.Step(time.Second)
	n.Kill(ids[1], 0, "Completed")
	if got := usage(n.measure()); len(got) != 2 || got["web/web"] == [2]float64{} {
		t.Errorf("after one of two containers ended: %v", got)
	}
	n.Kill(ids[0], 0, "Completed")
	if got := n.measure(); len(got.Pods) != 0 {
		t.Errorf("after all ended: %+v", got.Pods)
	}
}

func TestWhatANodeHasUsedNeverBecomesLess(t *testing.T) {
	n := newNode(t)
	ids := n.run("web", map[string]string{simulated.AnnotationPrefix + "cpu-usage": "2"}, "web")
	n.clock.Step(time.Minute)
	before := *n.measure().Node.CPU.UsageCoreNanoSeconds
	if err := n.RemoveContainer(context.Background(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if after := *n.measure().Node.CPU.UsageCoreNanoSeconds; after < before {
		t.Errorf("used %d ns before the container was removed, and %d after", before, after)
	}
}

func TestAWholePodIsMeasuredWhereItCanBe(t *testing.T) {
	n := newNode(t)
	n.run("web", nil, "web")
	p := n.provider()
	p.Pod = func(pod *corev1.Pod) (Usage, bool) { return Usage{CPU: 7e9, WorkingSet: 99}, pod.Name == "web" }
	summary, err := p.CPUAndMemory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := usage(summary)["web"]; got != [2]float64{7, 99} {
		t.Errorf("the pod uses %v, want what was measured of it", got)
	}
}

func TestWhatIsNotMeasuredIsNotZero(t *testing.T) {
	got := containerStats(&runtimeapi.Container{Metadata: &runtimeapi.ContainerMetadata{Name: "web"}, CreatedAt: 5}, &runtimeapi.ContainerStats{
		Cpu: &runtimeapi.CpuUsage{Timestamp: 7, UsageCoreNanoSeconds: &runtimeapi.UInt64Value{Value: 3}},
		Io:  &runtimeapi.IoUsage{Timestamp: 7, Psi: &runtimeapi.PsiStats{Some: &runtimeapi.PsiData{Total: 4, Avg10: 0.5}}},
	})
	want := statsv1alpha1.ContainerStats{
		Name: "web", StartTime: metav1.NewTime(time.Unix(0, 5)),
		CPU: &statsv1alpha1.CPUStats{Time: metav1.NewTime(time.Unix(0, 7)), UsageCoreNanoSeconds: ptr.To[uint64](3)},
		IO: &statsv1alpha1.IOStats{
			Time: metav1.NewTime(time.Unix(0, 7)), PSI: &statsv1alpha1.PSIStats{Some: statsv1alpha1.PSIData{Total: 4, Avg10: 0.5}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARuntimeThatDoesNotAnswerIsAnError(t *testing.T) {
	n := newNode(t)
	down := errors.New("down")
	n.Break(down)
	if _, err := n.provider().CPUAndMemory(context.Background()); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}
