package eviction

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/stats"
)

func TestAPodThatUsesMoreThanItRequestedEndsWhenMemoryRunsOut(t *testing.T) {
	m := newModel(t, Settings{})
	m.run("modest", 300, 400)
	m.run("greedy", 300, 100)
	m.goOn(time.Minute)
	m.want()
	m.conditions()
	m.other = 350
	m.goOn(time.Minute)
	m.want(
		"1m0s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"1m0s: greedy has 1s to end, disrupted: true",
		`1m0s: Warning Evicted of greedy, starved of "memory"`,
	)
	m.conditions(corev1.NodeMemoryPressure)
	m.goOn(5 * time.Minute)
	m.conditions()
	m.want()
}

func TestOnePodIsEvictedAtATime(t *testing.T) {
	m := newModel(t, Settings{})
	m.slow, m.other = true, 0
	m.run("one", 500, 0)
	m.run("two", 450, 0)
	m.goOn(25 * time.Second)
	m.want(
		"0s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"0s: one has 1s to end, disrupted: true",
		`0s: Warning Evicted of one, starved of "memory"`,
	)
	m.goOn(10 * time.Second) // the first does not end within 30 seconds
	m.want(
		"30s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"30s: two has 1s to end, disrupted: true",
		`30s: Warning Evicted of two, starved of "memory"`,
	)
	m.uses["two"] = 0
	m.goOn(time.Minute)
	m.want()
}

func TestASoftThresholdHasPatienceAndGrace(t *testing.T) {
	m := newModel(t, Settings{
		EvictionSoft: map[string]string{"memory.available": "200Mi"}, EvictionSoftGracePeriod: map[string]string{"memory.available": "1m"},
		EvictionMaxPodGracePeriod: 60, EvictionMinimumReclaim: map[string]string{"memory.available": "100Mi"},
	})
	m.run("brief", 300, 0, func(pod *corev1.Pod) { pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](5) })
	m.run("patient", 150, 0, func(pod *corev1.Pod) { pod.Spec.TerminationGracePeriodSeconds = ptr.To[int64](600) })
	m.run("last", 100, 0)
	m.other = 300
	m.goOn(50 * time.Second)
	m.conditions(corev1.NodeMemoryPressure)
	m.want()
	m.goOn(10 * time.Second)
	m.want(
		"1m0s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"1m0s: brief has 5s to end, disrupted: true",
		`1m0s: Warning Evicted of brief, starved of "memory"`,
	)
	// As much as the threshold asks for is free, and not as much as is wanted once it was acted upon.
	m.other = 500
	m.goOn(15 * time.Second)
	m.want(
		"1m0s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"1m0s: patient has 1m0s to end, disrupted: true",
		`1m0s: Warning Evicted of patient, starved of "memory"`,
	)
	m.goOn(time.Minute)
	m.want()
}

func TestADiskIsRelievedOfImagesBeforePodsGo(t *testing.T) {
	m := newModel(t, Settings{})
	m.run("web", 10, 0)
	m.full, m.unused = 70, 25
	m.goOn(15 * time.Second)
	m.want(
		"0s: Warning EvictionThresholdMet: Attempting to reclaim ephemeral-storage",
		"0s: dead containers are removed",
		"0s: images are removed",
	)
	m.conditions(corev1.NodeDiskPressure)
	m.full = 95
	m.goOn(time.Millisecond)
	m.want(
		"15s: Warning EvictionThresholdMet: Attempting to reclaim ephemeral-storage",
		"15s: dead containers are removed",
		"15s: images are removed",
		"15s: web has 1s to end, disrupted: true",
		`15s: Warning Evicted of web, starved of "ephemeral-storage"`,
	)
}

func TestNothingIsGivenUpOnADiskThatItWouldNotRelieve(t *testing.T) {
	m := newModel(t, Settings{EvictionHard: map[string]string{"nodefs.available": "10%"}})
	m.layout = stats.Layout{DedicatedImageFs: true}
	m.run("web", 10, 0)
	m.full = 95
	m.goOn(time.Millisecond)
	m.want(
		"0s: Warning EvictionThresholdMet: Attempting to reclaim ephemeral-storage",
		"0s: web has 1s to end, disrupted: true",
		`0s: Warning Evicted of web, starved of "ephemeral-storage"`,
	)
}

func TestPodsOfTheSystemAreSpared(t *testing.T) {
	m := newModel(t, Settings{})
	m.run("critical", 500, 0, func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To[int32](2_000_001_000) })
	m.run("static", 200, 0, func(pod *corev1.Pod) { pod.Annotations = map[string]string{"kubernetes.io/config.source": "file"} })
	m.run("mirror", 250, 0, func(pod *corev1.Pod) { pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} })
	m.goOn(time.Second)
	m.want("0s: Warning EvictionThresholdMet: Attempting to reclaim memory")
	m.run("web", 1, 100, func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To[int32](1000) })
	m.goOn(time.Millisecond)
	m.want(
		"1s: Warning EvictionThresholdMet: Attempting to reclaim memory",
		"1s: web has 1s to end, disrupted: true",
		`1s: Warning Evicted of web, starved of "memory"`,
	)
}

func TestWhoIsLetInUnderPressure(t *testing.T) {
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
		change(p)
		return p
	}
	bestEffort := pod(func(*corev1.Pod) {})
	burstable := pod(func(p *corev1.Pod) { p.Spec.Containers[0].Resources = storageAndMemory() })
	tolerant := pod(func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: corev1.TaintNodeMemoryPressure, Operator: corev1.TolerationOpExists}}
	})
	critical := pod(func(p *corev1.Pod) { p.Spec.Priority = ptr.To[int32](2_000_000_000) })
	memory, disk := corev1.NodeMemoryPressure, corev1.NodeDiskPressure
	for _, test := range []struct {
		name       string
		pod        *corev1.Pod
		conditions []corev1.NodeConditionType
		refused    string
	}{
		{"all, while there is enough", bestEffort, nil, ""},
		{"none that requests nothing, when memory is short", bestEffort, []corev1.NodeConditionType{memory}, "The node had condition: [MemoryPressure]. "},
		{"one that requests something, when memory is short", burstable, []corev1.NodeConditionType{memory}, ""},
		{"one that tolerates that memory is short", tolerant, []corev1.NodeConditionType{memory}, ""},
		{"none of these, when the disk is full too", tolerant, []corev1.NodeConditionType{memory, disk}, "The node had condition: [MemoryPressure DiskPressure]. "},
		{"not even one that requests something, when the disk is full", burstable, []corev1.NodeConditionType{disk}, "The node had condition: [DiskPressure]. "},
		{"one of the system, whatever is short", critical, []corev1.NodeConditionType{memory, disk}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			switch got := admit(test.pod, test.conditions); {
			case got == nil && test.refused == "":
			case got == nil || got.Reason != "Evicted" || got.Message != test.refused:
				t.Errorf("it is refused with %+v, want %q", got, test.refused)
			}
		})
	}
}
