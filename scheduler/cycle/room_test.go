package cycle_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/bindqueue"
	"github.com/orrery-dev/orrery/scheduler/framework"
)

// slowBinding binds two pods at a time, each when it is told to, while one more may wait.
type slowBinding struct {
	queue *bindqueue.Queue
	begun chan string // the pods whose turn has come
	done  chan struct{}
}

func newSlowBinding() *slowBinding {
	return &slowBinding{queue: bindqueue.New(2, 1), begun: make(chan string, 100), done: make(chan struct{})}
}

func (b *slowBinding) bind(ctx context.Context, pod *corev1.Pod, _ string) error {
	end, err := b.queue.Turn(ctx, pod.UID)
	if err != nil {
		return err
	}
	defer end()
	b.begun <- pod.Name
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// finish ends so many bindings, and waits until nothing goes on any more.
func (b *slowBinding) finish(bindings int) {
	for range bindings {
		b.done <- struct{}{}
	}
	synctest.Wait()
}

func (b *slowBinding) settings(plugins ...fwk.Plugin) settings {
	s := settings{plugins: framework.Registry{}, bind: b.bind, bindQueue: b.queue}
	for _, plugin := range plugins {
		s.plugins[plugin.Name()] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return plugin, nil }
	}
	return s
}

// decided is how many pods are on a node in the scheduler's eyes.
func (f *fixture) decided() int {
	_, pods, _ := f.Cache.Size()
	return pods
}

func (f *fixture) wantDecided(t *testing.T, want int, when string) {
	t.Helper()
	if got := f.decided(); got != want {
		t.Errorf("%d pods are decided on %s, want %d", got, when, want)
	}
}

func TestDecisionsWaitForBindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newFixture(t, b.settings(), newNode("node", "64", "64Gi"))
		f.add(like("1", "a", "b", "c", "d", "e")...)
		f.run(t)
		synctest.Wait()
		f.wantDecided(t, 3, "while two are being bound and one waits")
		b.finish(1)
		f.wantDecided(t, 4, "after the first binding")
		b.finish(4)
		f.wantDecided(t, 5, "in the end")
		if waiting := f.Queue.Count(); waiting.Active != 0 || waiting.InFlight != 0 {
			t.Errorf("in the end there are %v", waiting)
		}
	})
}

func TestAMoreImportantPodIsDecidedOnBeforeThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newFixture(t, b.settings(), newNode("node", "64", "64Gi"))
		f.add(like("1", "a", "b", "c", "d", "e")...)
		f.run(t)
		synctest.Wait()
		f.add(newPod("urgent", "1", "1Mi", important(10)))
		b.finish(6)
		var order []string
		for range 6 {
			order = append(order, <-b.begun)
		}
		// Two are under way side by side, so that neighbours may have changed places.
		if at := slices.Index(order, "urgent"); at > 3 {
			t.Errorf("the bindings began in the order %v, want the urgent pod after no more than the three that were decided on", order)
		}
	})
}

// companion lets a pod be bound only when another has been decided on.
type companion struct {
	handle fwk.Handle
	other  string
}

func (*companion) Name() string { return "Companion" }

func (c *companion) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	if pod.Name != c.other {
		return fwk.NewStatus(fwk.Wait), time.Hour
	}
	c.handle.IterateOverWaitingPods(func(waiting fwk.WaitingPod) { waiting.Allow(c.Name()) })
	return nil, 0
}

func TestPodsThatWaitForTheDecisionOnAnotherDoNotKeepItFromBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		plugin := &companion{other: "last"}
		s := b.settings(plugin)
		s.plugins[plugin.Name()] = func(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
			plugin.handle = handle
			return plugin, nil
		}
		f := newFixture(t, s, newNode("node", "64", "64Gi"))
		f.add(like("1", "a", "b", "c", "d", "e")...)
		f.run(t)
		synctest.Wait()
		f.add(like("1", "last")...)
		synctest.Wait()
		f.wantDecided(t, 6, "though five wait for the sixth")
		b.finish(6)
		f.bound(t, 6)
	})
}

// bound waits until so many pods have been bound.
func (f *fixture) bound(t *testing.T, pods int) {
	t.Helper()
	for range pods {
		if ended := f.next(t); ended.node == "" {
			t.Errorf("pod %s was not bound: %s", ended.pod, ended.message)
		}
	}
}

// provisioner takes as long to prepare a pod for its binding as it is told to.
type provisioner struct{ done chan struct{} }

func (*provisioner) Name() string { return "Provisioner" }

func (*provisioner) PreBindPreFlight(context.Context, fwk.CycleState, *corev1.Pod, string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	return nil, nil
}

func (p *provisioner) PreBind(ctx context.Context, _ fwk.CycleState, _ *corev1.Pod, _ string) *fwk.Status {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fwk.AsStatus(ctx.Err())
	}
}

func TestDecisionsDoNotWaitForPreBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, slow := newSlowBinding(), &provisioner{make(chan struct{})}
		f := newFixture(t, b.settings(slow), newNode("node", "64", "64Gi"))
		f.add(like("1", "a", "b", "c", "d", "e")...)
		f.run(t)
		synctest.Wait()
		f.wantDecided(t, 5, "while all are in PreBind")
		close(slow.done)
		synctest.Wait()
		f.add(like("1", "f", "g")...)
		synctest.Wait()
		f.wantDecided(t, 6, "while three wait for their turn, the one among them that there was room for before")
		b.finish(7)
		f.bound(t, 7)
	})
}

func TestAGangLargerThanTheRoomIsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newGangFixture(t, b.settings(), newNode("node", "64", "64Gi"))
		f.setGroup(newGang("g", 10))
		f.addMembers(members("g", 10)...)
		f.run(t)
		synctest.Wait()
		f.wantDecided(t, 10, "of a gang")
		f.add(like("1", "after")...)
		synctest.Wait()
		f.wantDecided(t, 10, "while the gang waits")
		b.finish(11)
		f.bound(t, 11)
	})
}

func TestAGangThatWaitsForPermissionLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newGangFixture(t, b.settings(approval{"g-1", time.Hour}), newNode("node", "64", "64Gi"))
		f.setGroup(newGang("g", 10))
		f.addMembers(members("g", 10)...)
		f.run(t)
		synctest.Wait()
		f.add(like("1", "after")...)
		synctest.Wait()
		f.wantDecided(t, 11, "while a gang waits for one of its pods")
		f.profile.GetWaitingPod("g-1").Allow("Approval")
		b.finish(11)
		f.bound(t, 11)
	})
}

func TestAPreemptorThatWaitsForRoomPreempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newUnheardFixtureWith(t, b.settings(), "full")
		f.Cache.AddNode(newNode("free", "3", "1Gi"))
		for _, name := range []string{"a", "b", "c"} {
			f.add(newPod(name, "1", "1Mi", important(5)))
		}
		f.run(t)
		synctest.Wait()
		f.add(newPod("urgent", "1", "1Mi", important(10)))
		synctest.Wait()
		if len(f.evicted) > 0 {
			t.Errorf("%s was evicted while decisions wait", <-f.evicted)
		}
		b.finish(3)
		if victim := f.nextEvicted(t); victim != "low-full" {
			t.Errorf("%s was evicted, want the least important pod", victim)
		}
	})
}

func TestTheSchedulerEndsWhileDecisionsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		f := newFixture(t, b.settings(), newNode("node", "64", "64Gi"))
		f.add(like("1", "a", "b", "c", "d", "e")...)
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
		ended := make(chan struct{})
		go func() { defer close(ended); f.Run(ctx) }()
		synctest.Wait()
		cancel() // As the loss of the lead does.
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("the cycle goes on")
		}
		f.wantDecided(t, 0, "after what was not bound has been taken back")
		if begun := len(b.begun); begun != 2 {
			t.Errorf("%d bindings began, want the two that were under way", begun)
		}
	})
}

func TestABindPluginWithoutAQueueKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSlowBinding()
		s := b.settings()
		s.bindQueue = nil
		f := newFixture(t, s, newNode("node", "64", "64Gi"))
		for i := range 10 {
			f.add(like("1", fmt.Sprintf("pod-%d", i))...)
		}
		f.run(t)
		synctest.Wait()
		f.wantDecided(t, 10, "though two can be bound at a time")
		b.finish(10)
	})
}
