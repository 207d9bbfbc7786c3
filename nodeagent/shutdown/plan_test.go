package shutdown

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func pod(name string, priority int32, grace int64) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	p.Spec.Priority, p.Spec.TerminationGracePeriodSeconds = &priority, &grace
	return p
}

func TestWhichPodsEndNext(t *testing.T) {
	ranges := []Range{{0, 20 * time.Second}, {systemCriticalPriority, 10 * time.Second}}
	usual, quick, system := pod("usual", 0, 30), pod("quick", 5, 5), pod("system", systemCriticalPriority, 30)
	down := func(memory Memory, pods ...*corev1.Pod) World {
		memory.Since = start
		return World{Ranges: ranges, Since: start, Pods: pods, Memory: memory}
	}
	const (
		first  = ": the machine goes down, and pods from priority 0 on have 20s to end\n"
		second = ": the machine goes down, and pods from priority 2000000000 on have 10s to end\n"
		look   = "look again in 200ms: pods may have ended"
	)
	for name, c := range map[string]struct {
		world World
		now   time.Duration
		want  string
	}{
		"none while the machine does not go down": {World{Ranges: ranges, Pods: []*corev1.Pod{usual}}, 0, "nothing to do: the machine does not go down"},
		"those of the least priority first, with their own grace or that of their range": {
			World{Ranges: ranges, Since: start, Pods: []*corev1.Pod{system, usual, quick}}, 0,
			"end pod default/usual within 20s" + first + "end pod default/quick within 5s" + first + look,
		},
		"none of the next range while one is left": {
			down(Memory{Began: start}, system, usual), 19 * time.Second, "end pod default/usual within 20s" + first + look,
		},
		"those of the next range when its time is over": {
			down(Memory{Began: start}, system, usual), 20 * time.Second, "end pod default/system within 10s" + second + look,
		},
		"or when all have ended": {
			down(Memory{Began: start}, system), 3 * time.Second, "end pod default/system within 10s" + second + look,
		},
		"and when all ranges are over the machine is let go": {
			down(Memory{Range: 1, Began: start}, system), 10 * time.Second, "let the machine go down: no pod is waited for any more",
		},
		"at once where there are no pods": {down(Memory{Began: start}), 0, "let the machine go down: no pod is waited for any more"},
		"once":                            {down(Memory{Range: 2, Began: start, Let: true}), time.Minute, "nothing to do: the machine may go down"},
		"anew at the next shutdown": {
			World{Ranges: ranges, Since: start, Pods: []*corev1.Pod{quick}, Memory: Memory{Since: start.Add(-time.Hour), Range: 2, Let: true}}, 0,
			"end pod default/quick within 5s" + first + look,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decide(c.world, start.Add(c.now)).String(); got != c.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTheRangesOfAConfiguration(t *testing.T) {
	seconds := func(n int) metav1.Duration { return metav1.Duration{Duration: time.Duration(n) * time.Second} }
	for _, test := range []struct {
		name string
		c    kubeletconfigv1beta1.KubeletConfiguration
		want []Range
	}{
		{"none by default", kubeletconfigv1beta1.KubeletConfiguration{}, nil},
		{"two, for all pods and for critical ones", kubeletconfigv1beta1.KubeletConfiguration{
			ShutdownGracePeriod: seconds(30), ShutdownGracePeriodCriticalPods: seconds(10),
		}, []Range{{0, 20 * time.Second}, {systemCriticalPriority, 10 * time.Second}}},
		{"those that are named, in the order of their priorities", kubeletconfigv1beta1.KubeletConfiguration{
			ShutdownGracePeriodByPodPriority: []kubeletconfigv1beta1.ShutdownGracePeriodByPodPriority{
				{Priority: 1000, ShutdownGracePeriodSeconds: 5}, {Priority: -1, ShutdownGracePeriodSeconds: 7},
			},
		}, []Range{{-1, 7 * time.Second}, {1000, 5 * time.Second}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := RangesOf(&test.c); !slices.Equal(got, test.want) {
				t.Errorf("they are %v, want %v", got, test.want)
			}
		})
	}
}
