package preemption

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// Evictor makes victims go, in goroutines of its own. It is safe for concurrent use.
type Evictor struct {
	handle fwk.Handle
	api    API
	plugin string

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	// turns has as many entries as there are preemptors whose victims are being evicted.
	turns chan struct{}

	mutex sync.RWMutex
	// busy holds, by preemptor, the last victim once its turn has come, and nil before.
	busy map[types.UID]*corev1.Pod
	// many is how many may be busy before it is looked who is so in name only.
	many int
}

// atOnce is for how many preemptors victims are evicted at the same time. The server works on no more requests at once
// than about as many take, so that with more of them all would only be done later.
const atOnce = 16

// NewEvictor returns an Evictor for a plugin of that name. It has to be closed.
func NewEvictor(handle fwk.Handle, api API, plugin string) *Evictor {
	e := &Evictor{handle: handle, api: api, plugin: plugin, turns: make(chan struct{}, atOnce), busy: map[types.UID]*corev1.Pod{}}
	e.life, e.end = context.WithCancel(context.Background())
	return e
}

// Close stops evicting and waits for what is under way.
func (e *Evictor) Close() error {
	e.end()
	e.running.Wait()
	return nil
}

// Evict starts to make the candidate's pods go, and returns. Those that wait for Permit or are in PreBind are called off;
// the others are given the condition DisruptionTarget and are deleted. Pods of a lower priority lose their nomination to
// the place. Of ctx only the logger is used: the rest goes on when the attempt has ended.
func (e *Evictor) Evict(ctx context.Context, preemptor Preemptor, candidate *Candidate) {
	observe(preemptor, candidate)
	victims := staying(candidate.Pods)
	if len(victims) == 0 {
		return
	}
	e.begin(preemptor.UID)
	work := &eviction{Evictor: e, preemptor: preemptor, place: candidate.Place}
	ctx = klog.NewContext(e.life, klog.FromContext(ctx).WithValues("preemptor", preemptor.UID, "place", candidate.Place))
	e.running.Add(1)
	go func() {
		defer e.running.Done()
		e.turns <- struct{}{}
		defer func() { <-e.turns }()
		work.run(ctx, victims)
	}()
}

// Busy reports whether victims of the preemptor with the UID are still where they were, as far as the scheduler has heard.
// Until they are not, it should not be tried again: it would find no place, or preempt more than it needs.
//
// The last victim goes when all others have gone, so that once only it is left, it alone tells. What counts is what the
// scheduler knows of it, and not the API server, whose watch runs ahead of the scheduler when much happens: a preemptor
// that came back between the two would find its place taken and preempt a second time. So the event of the last one's
// leaving finds the preemptor free, and nothing does before. A victim that takes its time to end has left in this sense:
// to wait for it is up to the plugin.
func (e *Evictor) Busy(uid types.UID) bool {
	e.mutex.RLock()
	last, busy := e.busy[uid]
	e.mutex.RUnlock()
	if busy && last != nil && !e.stays(last) {
		e.free(uid)
		return false
	}
	return busy
}

// stays reports whether a victim takes its place like before, or has only the one moment left between the two events
// of a deletion without a grace period.
func (e *Evictor) stays(victim *corev1.Pod) bool {
	current := e.api.Counted(victim.UID)
	if current == nil || current.Spec.NodeName != victim.Spec.NodeName {
		return false
	}
	return current.DeletionTimestamp == nil || endsAtOnce(current)
}

func endsAtOnce(terminating *corev1.Pod) bool {
	grace := terminating.DeletionGracePeriodSeconds
	return grace != nil && *grace == 0 && len(terminating.Finalizers) == 0
}

// begin notes that evictions for a preemptor are under way. From time to time it forgets those who are not busy any more
// and were never asked about, because they have gone themselves.
func (e *Evictor) begin(preemptor types.UID) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.busy) > e.many {
		maps.DeleteFunc(e.busy, func(_ types.UID, last *corev1.Pod) bool { return last != nil && !e.stays(last) })
		e.many = max(100, 2*len(e.busy))
	}
	e.busy[preemptor] = nil
}

func (e *Evictor) waitFor(preemptor types.UID, last *corev1.Pod) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.busy[preemptor] = last
}

func (e *Evictor) free(preemptor types.UID) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	delete(e.busy, preemptor)
}

// eviction is the work for one preemptor.
type eviction struct {
	*Evictor
	preemptor Preemptor
	place     string
}

func (w *eviction) run(ctx context.Context, victims []*corev1.Pod) {
	start, result, again := time.Now(), metrics.PreemptionSuccess, false
	logger := klog.FromContext(ctx)
	logger.V(2).Info("Evicting pods for a more important one", "victims", len(victims))
	if err := w.denominate(ctx); err != nil {
		result, again = metrics.PreemptionError, true
		logger.Error(err, "Less important pods keep their nomination to the place until they are tried again")
	}
	how, err := w.evictAll(ctx, victims)
	if err != nil {
		result = metrics.PreemptionError
		if ctx.Err() == nil {
			logger.Error(err, "Preemption has stopped; the preemptor is tried again")
		}
	}
	if err != nil {
		w.free(w.preemptor.UID)
	}
	if again || err != nil || how != deleted { // No event of a deletion may come that would bring it back.
		w.handle.Activate(logger, w.preemptor.byName())
	}
	took := time.Since(start).Seconds()
	metrics.PreemptionExecutionDuration.WithLabelValues(string(w.preemptor.Kind), result).Observe(took)
	metrics.PreemptionGoroutinesDuration.WithLabelValues(result).Observe(took)
	metrics.PreemptionGoroutines.WithLabelValues(result).Inc()
}

// denominate ends the nominations to the place of pods that are less important than the preemptor: what they counted on
// is not theirs any more, and they should look elsewhere at once.
func (w *eviction) denominate(ctx context.Context) error {
	var errs []error
	for _, nominated := range w.handle.NominatedPodsForNode(w.place) {
		pod := nominated.GetPod()
		if schedulinghelpers.PodPriority(pod) >= w.preemptor.Priority || pod.Status.NominatedNodeName == "" {
			continue
		}
		err := w.api.Report(ctx, pod, nil, &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride})
		if !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// departure is how a victim goes.
type departure string

const (
	// gone: it was not there any more.
	gone departure = "gone"
	// deleted: an event of its deletion from its node follows.
	deleted departure = "deleted"
	// calledOff: it was not bound yet, and is queued again.
	calledOff departure = "called off"
)

// evictAll evicts all victims side by side but the last, which follows when the others have gone well. It says how the
// last has gone.
func (w *eviction) evictAll(ctx context.Context, victims []*corev1.Pod) (departure, error) {
	others, last := victims[:len(victims)-1], victims[len(victims)-1]
	if err := w.evictSideBySide(ctx, others); err != nil {
		return gone, err
	}
	w.waitFor(w.preemptor.UID, last)
	return w.evict(ctx, last)
}

func (w *eviction) evictSideBySide(ctx context.Context, victims []*corev1.Pod) error {
	if len(victims) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, len(victims))
	w.handle.Parallelizer().Until(ctx, len(victims), func(i int) {
		if _, err := w.evict(ctx, victims[i]); err != nil {
			failed <- err
			cancel()
		}
	}, w.plugin)
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// evict makes one pod go, and says how.
func (w *eviction) evict(ctx context.Context, victim *corev1.Pod) (how departure, err error) {
	note := fmt.Sprintf("Preempted by %s %v on node %v", w.preemptor.Kind, w.preemptor.UID, w.place)
	if how = deleted; w.callOff(victim) {
		how = calledOff
		note += " (in kube-scheduler memory)."
	} else {
		held := w.api.Counted(victim.UID) != nil // One that was taken back meanwhile is not, and its deletion is none from a node.
		there, err := w.api.Evict(ctx, victim, corev1.PodCondition{
			Type:               corev1.DisruptionTarget,
			ObservedGeneration: victim.Generation,
			Status:             corev1.ConditionTrue,
			Reason:             corev1.PodReasonPreemptionByScheduler,
			Message:            fmt.Sprintf("%s: preempting to accommodate a higher priority %s", w.preemptor.SchedulerName, w.preemptor.Kind),
		})
		if err != nil || !there {
			return gone, err
		}
		if !held {
			how = gone
		}
	}
	w.handle.EventRecorder().WithLogger(klog.FromContext(ctx)).
		Eventf(victim, w.preemptor.Object, corev1.EventTypeNormal, "Preempted", "Preempting", "%s", note)
	return how, nil
}

// callOff ends the binding of a pod that has not come further than PreBind; it reports whether it could.
func (w *eviction) callOff(victim *corev1.Pod) bool {
	if waiting := w.handle.GetWaitingPod(victim.UID); waiting != nil {
		return waiting.Preempt(w.plugin, "preempted")
	}
	binding := w.handle.GetPodInPreBind(victim.UID)
	return binding != nil && binding.CancelPod("preempted by "+w.plugin)
}

// staying returns the pods that are not being deleted already.
func staying(pods []*corev1.Pod) []*corev1.Pod {
	var rest []*corev1.Pod
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			rest = append(rest, pod)
		}
	}
	return rest
}

func observe(preemptor Preemptor, candidate *Candidate) {
	victims := metrics.PreemptionVictims
	if preemptor.Kind != fwk.PodKeyType {
		victims = metrics.WorkloadPreemptionVictims
	}
	victims.WithLabelValues().Observe(float64(len(candidate.Pods)))
	if candidate.Groups > 0 {
		metrics.PreemptionWorkloadDisruptions.WithLabelValues(string(preemptor.Kind)).Observe(float64(candidate.Groups))
	}
	if candidate.Violations > 0 {
		metrics.PreemptionPDBViolations.WithLabelValues(string(preemptor.Kind)).Add(float64(candidate.Violations))
	}
}
