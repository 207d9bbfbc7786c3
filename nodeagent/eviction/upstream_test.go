package eviction

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	kubelet "k8s.io/kubernetes/pkg/kubelet/eviction"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/nodeagent/stats"
)

// verdict is what became of a node that runs out of something.
type verdict struct {
	Pod, Message string
	Grace        int64
	Annotations  map[string]string
	// Refused are the pods that would not be let in.
	Refused []string
}

// TestTheKubeletWouldHaveEvictedTheSame has the kubelet's manager and ours look once at the same random node, which is short of one thing.
func TestTheKubeletWouldHaveEvictedTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNode(t)
		theirs, ours := n.kubelet(t), n.ours(t)
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("the kubelet has (-), we have (+):\n%s", diff)
		}
	})
}

func TestTheKubeletReadsThresholdsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(what string, values ...string) map[string]string {
			found := map[string]string{}
			for range rapid.IntRange(0, 3).Draw(t, what) {
				found[rapid.SampledFrom(append(signalNames(), "cpu")).Draw(t, "signal")] = rapid.SampledFrom(values).Draw(t, what)
			}
			return found
		}
		amounts := []string{"0", "1Gi", "500", "-1", "10%", "0%", "100%", "101%", "x", "-5%", "2.5%"}
		s := Settings{
			EvictionHard: draw("hard", amounts...), EvictionSoft: draw("soft", amounts...),
			EvictionSoftGracePeriod: draw("grace", "1m", "0s", "-1s", "soon"), EvictionMinimumReclaim: draw("reclaim", amounts...),
		}
		theirs, wrong := kubelet.ParseThresholdConfig(nil, s.EvictionHard, s.EvictionSoft, s.EvictionSoftGracePeriod, s.EvictionMinimumReclaim)
		ours, err := s.Thresholds()
		if (wrong == nil) != (err == nil) {
			t.Fatalf("the kubelet says %v, we say %v", wrong, err)
		}
		var want, got []string
		for _, x := range theirs {
			reclaim := "nothing"
			if x.MinReclaim != nil {
				reclaim = fmt.Sprint(x.MinReclaim.Quantity, x.MinReclaim.Percentage)
			}
			want = append(want, fmt.Sprint(x.Signal, x.Value.Quantity, x.Value.Percentage, x.GracePeriod, reclaim))
		}
		for _, x := range ours {
			reclaim := "nothing"
			if _, named := s.EvictionMinimumReclaim[string(x.Signal)]; named {
				reclaim = fmt.Sprint(x.MinReclaim.quantity, x.MinReclaim.percentage)
			}
			got = append(got, fmt.Sprint(x.Signal, x.Value.quantity, x.Value.percentage, x.Grace, reclaim))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" && err == nil {
			t.Errorf("the kubelet has (-), we have (+):\n%s", diff)
		}
	})
}

// shortNode is one that may be short of one thing.
type shortNode struct {
	settings  Settings
	layout    stats.Layout
	summary   *statsv1alpha1.Summary
	pods      []*corev1.Pod
	arriving  []*corev1.Pod
	allocated bool
}

func drawNode(t *rapid.T) *shortNode {
	n := &shortNode{summary: &statsv1alpha1.Summary{}}
	signal := rapid.SampledFrom(signals).Draw(t, "signal").name
	n.layout = rapid.SampledFrom([]stats.Layout{{}, {DedicatedImageFs: true}, {DedicatedImageFs: true, SplitContainerFs: true}}).Draw(t, "disks")
	value := rapid.SampledFrom([]string{"100", "10%", "33.3%"}).Draw(t, "threshold")
	switch signal {
	case allocatableMemory:
		n.allocated, signal = true, memoryAvailable
	case containerFsAvailable: // which has the threshold of another
		signal = nodeFsAvailable
	case containerFsInodesFree:
		signal = nodeFsInodesFree
	}
	n.settings.EvictionHard = map[string]string{string(signal): value}
	if rapid.Bool().Draw(t, "soft") {
		n.settings = Settings{
			EvictionHard: map[string]string{}, EvictionSoft: map[string]string{string(signal): value},
			EvictionSoftGracePeriod: map[string]string{string(signal): "0s"}, EvictionMaxPodGracePeriod: 20,
		}
	}
	n.drawNodeStats(t)
	for i := range rapid.IntRange(0, 5).Draw(t, "pods") {
		pod := drawPod(t, fmt.Sprintf("pod-%d", i))
		n.pods = append(n.pods, pod)
		if rapid.IntRange(0, 9).Draw(t, "measured") > 0 {
			n.summary.Pods = append(n.summary.Pods, drawStats(t, pod))
		}
	}
	n.arriving = []*corev1.Pod{drawPod(t, "arriving-1"), drawPod(t, "arriving-2")}
	return n
}

func (n *shortNode) drawNodeStats(t *rapid.T) {
	amount := func(what string) *uint64 {
		v := rapid.Uint64Range(0, 300).Draw(t, what)
		return &v
	}
	fs := func(what string) *statsv1alpha1.FsStats {
		capacity := uint64(1000)
		return &statsv1alpha1.FsStats{AvailableBytes: amount(what), CapacityBytes: &capacity, InodesFree: amount(what), Inodes: &capacity}
	}
	node := &n.summary.Node
	node.Memory = &statsv1alpha1.MemoryStats{AvailableBytes: amount("memory"), WorkingSetBytes: amount("memory in use")}
	if n.allocated { // else two thresholds of memory may be met, of which the kubelet takes any
		*node.Memory.AvailableBytes += 1000
	}
	node.SystemContainers = []statsv1alpha1.ContainerStats{{
		Name:   statsv1alpha1.SystemContainerPods,
		Memory: &statsv1alpha1.MemoryStats{AvailableBytes: amount("memory of pods"), WorkingSetBytes: amount("memory in use by pods")},
	}}
	node.Fs = fs("nodefs")
	images, containers := node.Fs, node.Fs
	if n.layout.DedicatedImageFs {
		images = fs("imagefs")
		containers = images
	}
	if n.layout.SplitContainerFs {
		containers = node.Fs
	}
	node.Runtime = &statsv1alpha1.RuntimeStats{ImageFs: images, ContainerFs: containers}
	most, running := int64(1000), rapid.Int64Range(600, 1000).Draw(t, "processes")
	node.Rlimit = &statsv1alpha1.RlimitStats{MaxPID: &most, NumOfRunningProcesses: &running}
}

func drawPod(t *rapid.T, name string) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.UID, pod.Status.Phase = name, "default", types.UID(name), corev1.PodRunning
	requests := func(what string) corev1.ResourceList {
		list := corev1.ResourceList{}
		for _, r := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
			if v := rapid.SampledFrom([]int64{0, 0, 10, 100, 1000}).Draw(t, what); v > 0 {
				list[r] = *resource.NewQuantity(v, resource.BinarySI)
			}
		}
		return list
	}
	for _, container := range []string{"a", "b"} {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: container, Resources: corev1.ResourceRequirements{Requests: requests("requests")}})
	}
	pod.Spec.InitContainers = []corev1.Container{{Name: "init", Resources: corev1.ResourceRequirements{Requests: requests("requests of init")}}}
	if rapid.IntRange(0, 3).Draw(t, "pod level") == 0 {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("150")}}
	}
	if rapid.IntRange(0, 3).Draw(t, "overhead") == 0 {
		pod.Spec.Overhead = requests("overhead")
	}
	if p := rapid.SampledFrom([]int32{0, -1, 5, 2_000_000_000}).Draw(t, "priority"); p != -1 {
		pod.Spec.Priority = &p
	}
	if grace := rapid.SampledFrom([]int64{-1, 0, 5, 60}).Draw(t, "grace"); grace >= 0 {
		pod.Spec.TerminationGracePeriodSeconds = &grace
	}
	if rapid.IntRange(0, 7).Draw(t, "mirror") == 0 {
		pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x", "kubernetes.io/config.source": "file"}
	}
	if rapid.IntRange(0, 3).Draw(t, "tolerates") == 0 {
		pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}}
	}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "memory", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
		{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}},
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
		{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}},
	}
	return pod
}

// drawStats never has two pods use the same, of which the kubelet takes any.
func drawStats(t *rapid.T, pod *corev1.Pod) statsv1alpha1.PodStats {
	amount := func(what string) *uint64 {
		v := rapid.Uint64Range(0, 1<<40).Draw(t, what)
		if rapid.Bool().Draw(t, what+" is little") {
			v %= 1 << 7
		}
		return &v
	}
	fs := func(what string) *statsv1alpha1.FsStats {
		return &statsv1alpha1.FsStats{UsedBytes: amount(what), InodesUsed: amount(what)}
	}
	s := statsv1alpha1.PodStats{
		PodRef:       statsv1alpha1.PodReference{UID: string(pod.UID)},
		Memory:       &statsv1alpha1.MemoryStats{WorkingSetBytes: amount("working set")},
		ProcessStats: &statsv1alpha1.ProcessStats{ProcessCount: amount("processes of the pod")},
	}
	*s.ProcessStats.ProcessCount %= 1 << 20
	for _, name := range []string{"a", "b", "init"} {
		s.Containers = append(s.Containers, statsv1alpha1.ContainerStats{
			Name: name, Memory: &statsv1alpha1.MemoryStats{WorkingSetBytes: amount("working set")}, Rootfs: fs("layer"), Logs: fs("log"),
		})
	}
	for _, volume := range pod.Spec.Volumes {
		s.VolumeStats = append(s.VolumeStats, statsv1alpha1.VolumeStats{Name: volume.Name, FsStats: *fs(volume.Name)})
	}
	return s
}

// ours looks as often as it takes to have an eviction, or none.
func (n *shortNode) ours(t *rapid.T) (v verdict) {
	parsed, err := n.settings.parse()
	if err != nil {
		t.Fatal(err)
	}
	if n.allocated {
		parsed.thresholds = withAllocatable(parsed.thresholds)
	}
	w := World{config: parsed, Node: &n.summary.Node, Layout: n.layout, Pods: n.pods, Measured: map[types.UID]*statsv1alpha1.PodStats{}}
	for i := range n.summary.Pods {
		w.Measured[types.UID(n.summary.Pods[i].PodRef.UID)] = &n.summary.Pods[i]
	}
	d := newDecision(&w, start)
	for _, pod := range n.arriving {
		if admit(pod, d.memory.Conditions) != nil {
			v.Refused = append(v.Refused, pod.Name)
		}
	}
	for range 2 { // the second time with what the node could do without given up
		for _, step := range decide(&w, start).Steps() {
			if e, evicts := step.(*evictPod); evicts {
				v.Pod, v.Message, v.Grace, v.Annotations = e.pod.Name, e.message, int64(e.grace/time.Second), e.annotations
			}
		}
		if len(d.due) > 0 {
			w.Memory.Reclaimed = d.due[0].Signal
		}
	}
	return v
}

// kubelet has the kubelet's manager look once: it asks for the pods at the beginning of each look, and is stopped at the second.
func (n *shortNode) kubelet(t *rapid.T) (v verdict) {
	allocatable := []string{}
	if n.allocated {
		allocatable = []string{"pods"}
	}
	s := n.settings
	thresholds, err := kubelet.ParseThresholdConfig(allocatable, s.EvictionHard, s.EvictionSoft, s.EvictionSoftGracePeriod, s.EvictionMinimumReclaim)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(klog.NewContext(context.Background(), klog.Logger{}))
	defer stop()
	annotations := annotating{record.NewFakeRecorder(100), &v}
	kill := func(pod *corev1.Pod, _ bool, grace *int64, change func(*corev1.PodStatus)) error {
		status := corev1.PodStatus{}
		change(&status)
		v.Pod, v.Message, v.Grace = pod.Name, status.Message, *grace
		return nil
	}
	config := kubelet.Config{Thresholds: thresholds, PressureTransitionPeriod: defaultTransitionPeriod, MaxPodGracePeriodSeconds: int64(s.EvictionMaxPodGracePeriod)}
	timer := testingclock.NewFakeClock(start)
	manager, admitter := kubelet.NewManager(n, config, kill, n, n, annotations, &corev1.ObjectReference{}, timer, false)
	looked := make(chan struct{}, 100)
	looks := 0
	active := func() []*corev1.Pod {
		if looks++; looks > 1 {
			stop()
			looked <- struct{}{}
			return nil
		}
		return slices.Clone(n.pods)
	}
	gone := func(*corev1.Pod) bool { return true }
	manager.Start(ctx, n, active, gone, time.Microsecond)
	for waiting := true; waiting; {
		select {
		case <-looked:
			waiting = false
		case <-time.After(time.Millisecond):
			timer.Step(time.Second) // it may be waiting for a pod that it has evicted
		}
	}
	for _, pod := range n.arriving {
		if !admitter.Admit(context.Background(), &lifecycle.PodAdmitAttributes{Pod: pod}).Admit {
			v.Refused = append(v.Refused, pod.Name)
		}
	}
	return v
}

// annotating keeps the annotations of the event of an eviction.
type annotating struct {
	*record.FakeRecorder
	v *verdict
}

func (a annotating) AnnotatedEventf(_ runtime.Object, annotations map[string]string, _, _, _ string, _ ...any) {
	a.v.Annotations = maps.Clone(annotations)
}

// Get, GetCPUAndMemoryStats, HasDedicatedImageFs, HasDedicatedContainerFs, DeleteUnusedImages and DeleteAllUnusedContainers are what the
// kubelet's manager asks for.
func (n *shortNode) Get(context.Context, bool) (*statsv1alpha1.Summary, error) { return n.summary, nil }

func (n *shortNode) GetCPUAndMemoryStats(context.Context) (*statsv1alpha1.Summary, error) {
	return n.summary, nil
}

func (n *shortNode) HasDedicatedImageFs(context.Context) (bool, error) {
	return n.layout.DedicatedImageFs, nil
}

func (n *shortNode) HasDedicatedContainerFs(context.Context) (bool, error) {
	return n.layout.SplitContainerFs, nil
}

func (n *shortNode) DeleteUnusedImages(context.Context) error        { return nil }
func (n *shortNode) DeleteAllUnusedContainers(context.Context) error { return nil }
