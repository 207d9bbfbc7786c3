package shutdown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/nodeshutdown"
	"k8s.io/kubernetes/pkg/kubelet/volumemanager"

	"github.com/orrery-dev/orrery/internal/await"
)

// TestWhichPodsEndWhenIsUpstreams has a kubelet's manager and ours end the same pods, each of which ends at once. Each case has a bus of
// its own: a kubelet's manager lets go of nothing in good time.
func TestWhichPodsEndWhenIsUpstreams(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		c, all := anyShutdown(random)
		t.Run(fmt.Sprint("case ", i), func(t *testing.T) {
			m := startMachine(t)
			m.properties.SetMust(logindAPI, "InhibitDelayMaxUSec", uint64(time.Hour/time.Microsecond))
			t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", m.address)
			theirs := m.upstreams(t, c, all)
			ours := stepwise(RangesOf(c), all)
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("by %+v pods end otherwise than by a kubelet (-):\n%s", c, diff)
			}
		})
	}
}

// anyShutdown is a configuration, and pods.
func anyShutdown(random *rand.Rand) (*kubeletconfigv1beta1.KubeletConfiguration, []*corev1.Pod) {
	c := &kubeletconfigv1beta1.KubeletConfiguration{}
	if random.IntN(2) == 0 {
		// A kubelet does not wait for a range that has no time at all, so that nobody can say which pods it ends first.
		usual, critical := 1+random.IntN(30), 1+random.IntN(20)
		c.ShutdownGracePeriod.Duration = time.Duration(usual+critical) * time.Second
		c.ShutdownGracePeriodCriticalPods.Duration = time.Duration(critical) * time.Second
	} else {
		for _, n := range random.Perm(6)[:1+random.IntN(4)] {
			c.ShutdownGracePeriodByPodPriority = append(c.ShutdownGracePeriodByPodPriority, kubeletconfigv1beta1.ShutdownGracePeriodByPodPriority{
				Priority: int32(n-1) * 1000, ShutdownGracePeriodSeconds: int64(1 + random.IntN(30)),
			})
		}
	}
	var all []*corev1.Pod
	for i := range 1 + random.IntN(6) {
		p := pod(fmt.Sprint("pod-", i), int32(random.IntN(8)-2)*1000+int32(random.IntN(3)-1), int64(random.IntN(40)))
		p.UID = types.UID(p.Name)
		switch random.IntN(5) {
		case 0:
			p.Spec.Priority = nil
		case 1:
			*p.Spec.Priority = systemCriticalPriority + int32(random.IntN(2000)) - 500
		}
		all = append(all, p)
	}
	return c, all
}

// upstreams are the pods that a kubelet has end, with the grace of each, in groups that end one after the other.
func (m *machine) upstreams(t *testing.T, c *kubeletconfigv1beta1.KubeletConfiguration, all []*corev1.Pod) (killed []string) {
	t.Helper()
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	config := &nodeshutdown.Config{
		Logger: klog.NewKlogr(), Recorder: record.NewFakeRecorder(100), NodeRef: &corev1.ObjectReference{},
		VolumeManager: volumemanager.NewFakeVolumeManager(nil, 0, nil, false), GetPodsFunc: func() []*corev1.Pod { return all },
		KillPodFunc: func(pod *corev1.Pod, _ bool, grace *int64, _ func(*corev1.PodStatus)) error {
			mu.Lock()
			defer mu.Unlock()
			if killed = append(killed, fmt.Sprintf("%s %ds", pod.Name, *grace)); len(killed) == len(all) {
				close(done)
			}
			return nil
		},
		SyncNodeStatusFunc: func(context.Context) {}, StateDirectory: t.TempDir(),
		ShutdownGracePeriodRequested: c.ShutdownGracePeriod.Duration, ShutdownGracePeriodCriticalPods: c.ShutdownGracePeriodCriticalPods.Duration,
	}
	for _, each := range c.ShutdownGracePeriodByPodPriority {
		config.ShutdownGracePeriodByPodPriority = append(config.ShutdownGracePeriodByPodPriority, kubeletconfig.ShutdownGracePeriodByPodPriority(each))
	}
	if err := nodeshutdown.NewManager(config).Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := m.connection.Emit(logindPath, logindAPI+"."+aboutToGo, true); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(await.Deadline):
		t.Fatalf("the kubelet has ended %v only, of %d pods", killed, len(all))
	}
	m.awaitRelease(t)
	mu.Lock()
	defer mu.Unlock()
	return grouped(killed, all, c)
}

// awaitRelease waits until the first lock has been let go, which is the last thing that a kubelet does.
func (m *machine) awaitRelease(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	ours, theirs := m.locks[0], m.given[0]
	m.mu.Unlock()
	if err := errors.Join(theirs.Close(), ours.SetReadDeadline(time.Now().Add(await.Deadline))); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the machine is held back: %v", err)
	}
}

// grouped sorts those by name that end side by side.
func grouped(killed []string, all []*corev1.Pod, c *kubeletconfigv1beta1.KubeletConfiguration) []string {
	group := map[string]int{}
	for _, pod := range all {
		group[pod.Name] = rangeOf(pod, RangesOf(c))
	}
	name := func(line string) (found string) { _, _ = fmt.Sscan(line, &found); return found }
	for i := 0; i < len(killed); {
		end := i
		for end < len(killed) && group[name(killed[end])] == group[name(killed[i])] {
			end++
		}
		slices.Sort(killed[i:end])
		i = end
	}
	return killed
}

// stepwise are the pods that our plans have end.
func stepwise(ranges []Range, left []*corev1.Pod) (ended []string) {
	left = slices.Clone(left)
	memory := Memory{}
	for {
		plan := decide(World{Ranges: ranges, Since: start, Pods: left, Memory: memory}, start)
		var round []string
		for _, step := range plan.Steps() {
			end, ok := step.(*endPod)
			if !ok {
				return ended
			}
			round = append(round, fmt.Sprintf("%s %ds", end.pod.Name, int(end.grace.Seconds())))
			left = slices.DeleteFunc(left, func(p *corev1.Pod) bool { return p == end.pod })
		}
		slices.Sort(round)
		ended = append(ended, round...)
		memory = Memory{Since: start, Began: start, Range: memory.Range}
	}
}
