package preemption_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/preemption"
)

// cluster is what an Evictor meets: an API server with pods, and a scheduler. It notes what happens to them.
type cluster struct {
	fwk.Handle
	events.EventRecorderLogger

	mutex     sync.Mutex
	pods      map[string]*corev1.Pod // as the API server has them
	counted   map[types.UID]*corev1.Pod
	deaf      bool          // the scheduler hears of no deletion
	refuses   string        // the victim that cannot be evicted
	blocks    chan struct{} // closed when evictions may go on; nil: at once
	nominated []fwk.PodInfo
	waiting   map[types.UID]bool
	binding   map[types.UID]bool
	happened  []string
	activated chan struct{}
}

func newCluster(pods ...*corev1.Pod) *cluster {
	c := &cluster{pods: map[string]*corev1.Pod{}, counted: map[types.UID]*corev1.Pod{}, waiting: map[types.UID]bool{}, binding: map[types.UID]bool{}, activated: make(chan struct{}, 1)}
	for _, pod := range pods {
		c.pods[pod.Name], c.counted[pod.UID] = pod, pod
	}
	return c
}

func (c *cluster) note(format string, args ...any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.happened = append(c.happened, fmt.Sprintf(format, args...))
}

func (c *cluster) Pod(_, name string) *corev1.Pod {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.pods[name]
}

func (c *cluster) Counted(uid types.UID) *corev1.Pod {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.counted[uid]
}

// counts changes what the scheduler counts; nil is nothing.
func (c *cluster) counts(uid types.UID, pod *corev1.Pod) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.counted[uid] = pod
}

func (c *cluster) Nominated(*corev1.Pod) string { return "" }

func (c *cluster) Evict(ctx context.Context, pod *corev1.Pod, condition corev1.PodCondition) (bool, error) {
	if c.blocks != nil {
		select {
		case <-c.blocks:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if pod.Name == c.refuses {
		return false, errors.New("not now")
	}
	c.note("evicted %s (%s=%s %s: %s)", pod.Name, condition.Type, condition.Status, condition.Reason, condition.Message)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	_, there := c.pods[pod.Name]
	delete(c.pods, pod.Name)
	if !c.deaf {
		delete(c.counted, pod.UID)
	}
	return there, nil
}

func (c *cluster) Report(_ context.Context, pod *corev1.Pod, _ *corev1.PodCondition, nominating *fwk.NominatingInfo) error {
	c.note("nominated %s to %q", pod.Name, nominating.NominatedNodeName)
	return nil
}

func (c *cluster) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	c.note("event %s %s %s on %s for %s: %s", kind, reason, action, regarding.(*corev1.Pod).Name, related.(*corev1.Pod).Name, fmt.Sprintf(note, args...))
}

func (c *cluster) WithLogger(klog.Logger) events.EventRecorderLogger { return c }
func (c *cluster) EventRecorder() events.EventRecorderLogger         { return c }
func (c *cluster) NominatedPodsForNode(string) []fwk.PodInfo         { return c.nominated }
func (c *cluster) Parallelizer() fwk.Parallelizer                    { return parallel{} }

func (c *cluster) Activate(_ klog.Logger, pods map[string]*corev1.Pod) {
	c.note("activated %s", strings.Join(slices.Sorted(maps.Keys(pods)), " "))
	c.activated <- struct{}{}
}

func (c *cluster) GetWaitingPod(uid types.UID) fwk.WaitingPod {
	if possible, waits := c.waiting[uid]; waits {
		return onTheWay{c: c, uid: uid, possible: possible}
	}
	return nil
}

func (c *cluster) GetPodInPreBind(uid types.UID) fwk.PodInPreBind {
	if possible, binds := c.binding[uid]; binds {
		return onTheWay{c: c, uid: uid, possible: possible}
	}
	return nil
}

// onTheWay is a pod that is not bound yet, and can be called off if that is still possible.
type onTheWay struct {
	fwk.WaitingPod
	c        *cluster
	uid      types.UID
	possible bool
}

func (o onTheWay) Preempt(plugin, reason string) bool {
	o.c.note("called %s off waiting: %s by %s", o.uid, reason, plugin)
	o.takenBack()
	return o.possible
}

func (o onTheWay) CancelPod(reason string) bool {
	o.c.note("called %s off binding: %s", o.uid, reason)
	o.takenBack()
	return o.possible
}

// takenBack makes the scheduler count the pod no longer, if it was called off.
func (o onTheWay) takenBack() {
	if o.possible {
		o.c.counts(o.uid, nil)
	}
}

func (o onTheWay) MarkPrebound() bool { return !o.possible }

type parallel struct{}

func (parallel) Until(ctx context.Context, pieces int, work workqueue.DoWorkPieceFunc, _ string) {
	workqueue.ParallelizeUntil(ctx, 4, pieces, work)
}

const (
	condition = " (DisruptionTarget=True PreemptionByScheduler: mine: preempting to accommodate a higher priority pod)"
	preempted = "event Normal Preempted Preempting on %s for urgent: Preempted by pod urgent on node n1%s"
)

func TestEvict(t *testing.T) {
	gone := func(name string) []string {
		return []string{"evicted " + name + condition, fmt.Sprintf(preempted, name, "")}
	}
	terminating := pod("b", 1, 1)
	terminating.DeletionTimestamp = ptr.To(metav1.Now())
	for _, test := range []struct {
		name    string
		victims []*corev1.Pod
		prepare func(*cluster)
		want    []string // sorted but for the last
	}{
		{"evicts all, the last at the end", []*corev1.Pod{pod("a", 3, 1), pod("b", 2, 1), pod("c", 1, 1)}, nil,
			slices.Concat(gone("a"), gone("b"), gone("c"))},
		{"leaves alone what is terminating", []*corev1.Pod{pod("a", 3, 1), terminating}, nil, gone("a")},
		{"says nothing of a pod that has gone by itself, whose event may have come before", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { delete(c.pods, "a"); delete(c.counted, "a") }, append(gone("a")[:1:1], "activated urgent")},
		{"tries the preemptor again where a victim had lost its place before", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { c.counted["a"] = nil }, append(gone("a"), "activated urgent")},
		{"spares the last when another cannot be evicted, and tries the preemptor again", []*corev1.Pod{pod("a", 3, 1), pod("b", 2, 1)},
			func(c *cluster) { c.refuses = "a" }, []string{"activated urgent"}},
		{"tries the preemptor again when the last cannot be evicted", []*corev1.Pod{pod("a", 3, 1), pod("b", 2, 1)},
			func(c *cluster) { c.refuses = "b" }, append(gone("a"), "activated urgent")},
		{"calls off a pod that waits, whose deletion nobody will see", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { c.waiting["a"] = true },
			[]string{"called a off waiting: preempted by Mine", fmt.Sprintf(preempted, "a", " (in kube-scheduler memory)."), "activated urgent"}},
		{"evicts a pod that has waited to the end", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { c.waiting["a"] = false }, append([]string{"called a off waiting: preempted by Mine"}, gone("a")...)},
		{"calls off a pod in PreBind", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { c.binding["a"] = true },
			[]string{"called a off binding: preempted by Mine", fmt.Sprintf(preempted, "a", " (in kube-scheduler memory)."), "activated urgent"}},
		{"evicts a pod that is past PreBind", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) { c.binding["a"] = false }, append([]string{"called a off binding: preempted by Mine"}, gone("a")...)},
		{"waits for an event where the last victim is evicted, not called off", []*corev1.Pod{pod("a", 3, 1), pod("b", 2, 1)},
			func(c *cluster) { c.waiting["a"] = true },
			slices.Concat([]string{"called a off waiting: preempted by Mine", fmt.Sprintf(preempted, "a", " (in kube-scheduler memory).")}, gone("b"))},
		{"ends the nominations of less important pods", []*corev1.Pod{pod("a", 3, 1)},
			func(c *cluster) {
				for name, priority := range map[string]int32{"less": 99, "equal": 100, "more": 101} {
					nominee := pod(name, priority, -1)
					nominee.Status.NominatedNodeName = "n1"
					info, _ := nodeinfo.NewPodInfo(nominee)
					c.nominated = append(c.nominated, info)
				}
			}, append([]string{`nominated less to ""`}, gone("a")...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCluster(test.victims...)
			for _, victim := range test.victims {
				victim.Spec.NodeName = "n1"
			}
			if test.prepare != nil {
				test.prepare(c)
			}
			evictor := preemption.NewEvictor(c, c, "Mine")
			urgent := pod("urgent", 100, -1)
			urgent.Spec.SchedulerName = "mine"
			evictor.Evict(t.Context(), preemption.ForPod(urgent), &preemption.Candidate{Place: "n1", Pods: test.victims})
			eventually(t, func() bool { return !evictor.Busy("urgent") })
			if slices.Contains(test.want, "activated urgent") {
				eventually(t, func() bool { return len(c.activated) > 0 })
			}
			if err := evictor.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(arranged(test.want), arranged(c.happened)); diff != "" {
				t.Errorf("what happened differs (-want +got):\n%s", diff)
			}
			if len(test.victims) == 3 && !strings.HasSuffix(c.happened[len(c.happened)-1], fmt.Sprintf(preempted, "c", "")) {
				t.Errorf("the last victim was not the last: %q", c.happened)
			}
		})
	}
}

// arranged sorts what happened side by side.
func arranged(happened []string) []string {
	return slices.SortedFunc(slices.Values(happened), cmp.Compare[string])
}

func eventually(t *testing.T, check func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !check() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatal("not within 10 s")
		}
	}
}

func TestBusy(t *testing.T) {
	other, last := pod("other", 2, 1), pod("last", 1, 1)
	last.Spec.NodeName = "n1"
	c := newCluster(other, last)
	c.deaf = true
	c.blocks = make(chan struct{})
	evictor := preemption.NewEvictor(c, c, "Mine")
	if evictor.Busy("urgent") {
		t.Error("busy before anything began")
	}
	evict := func() {
		c.mutex.Lock()
		c.pods["last"], c.counted["last"] = last, last
		c.mutex.Unlock()
		evictor.Evict(t.Context(), preemption.ForPod(pod("urgent", 100, -1)), &preemption.Candidate{Place: "n1", Pods: []*corev1.Pod{other, last}})
	}
	evict()
	if evictor.Busy("another") {
		t.Error("busy for somebody else")
	}
	c.counts("last", nil)
	if !evictor.Busy("urgent") {
		t.Error("free although the last victim's turn has not come")
	}
	c.counts("last", last)
	close(c.blocks)
	eventually(t, func() bool { return c.Pod("default", "last") == nil })
	if !evictor.Busy("urgent") {
		t.Error("free although the scheduler has not heard of the last victim's leaving")
	}
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		busy   bool
	}{
		"ends in a while": {func(pod *corev1.Pod) {
			pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = ptr.To(metav1.Now()), ptr.To[int64](30)
		}, false},
		"ends at once": {func(pod *corev1.Pod) {
			pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = ptr.To(metav1.Now()), ptr.To[int64](0)
		}, true},
		"waits for a finalizer": {func(pod *corev1.Pod) {
			pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = ptr.To(metav1.Now()), ptr.To[int64](0)
			pod.Finalizers = []string{"example.com/hold"}
		}, false},
		"is on another node": {func(pod *corev1.Pod) { pod.Spec.NodeName = "n2" }, false},
		"has only changed":   {func(pod *corev1.Pod) { pod.Labels = nil }, true},
	} {
		evict()
		eventually(t, func() bool { return c.Pod("default", "last") == nil })
		counted := last.DeepCopy()
		test.change(counted)
		c.counts("last", counted)
		if evictor.Busy("urgent") != test.busy {
			t.Errorf("a last victim that %s: busy is %t, want %t", name, !test.busy, test.busy)
		}
	}
	c.counts("last", nil)
	if evictor.Busy("urgent") {
		t.Error("busy although the last victim has left")
	}
	c.counts("last", last)
	if evictor.Busy("urgent") {
		t.Error("busy again because a pod is counted that was a victim once")
	}
	if err := evictor.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsEvictionsUnderWay(t *testing.T) {
	victim := pod("victim", 1, 1)
	c := newCluster(victim)
	c.blocks = make(chan struct{})
	evictor := preemption.NewEvictor(c, c, "Mine")
	evictor.Evict(t.Context(), preemption.ForPod(pod("urgent", 100, -1)), &preemption.Candidate{Place: "n1", Pods: []*corev1.Pod{victim}})
	if !evictor.Busy("urgent") {
		t.Error("free although the victim is there")
	}
	if err := evictor.Close(); err != nil {
		t.Fatal(err)
	}
	if evictor.Busy("urgent") {
		t.Error("busy after the end")
	}
}
