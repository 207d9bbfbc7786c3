package preemption

import (
	"context"
	"errors"
	"fmt"
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

	mutex sync.RWMutex
	busy  map[types.UID]progress // by preemptor
}

// progress is how far the evictions for a preemptor have come.
type progress struct {
	last      *corev1.Pod // the last victim once its turn has come, nil before
	calledOff bool        // the last victim was not bound yet, and its place is free once it has been taken back
}

// NewEvictor returns an Evictor for a plugin of that name. It has to be closed.
func NewEvictor(handle fwk.Handle, api API, plugin string) *Evictor {
	e := &Evictor{handle: handle, api: api, plugin: plugin, busy: map[types.UID]progress{}}
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
	e.set(preemptor.UID, progress{})
	work := &eviction{Evictor: e, preemptor: preemptor, place: candidate.Place}
	ctx = klog.NewContext(e.life, klog.FromContext(ctx).WithValues("preemptor", preemptor.UID, "place", candidate.Place))
	e.running.Add(1)
	go func() {
		defer e.running.Done()
		work.run(ctx, victims)
	}()
}

// Busy reports whether evictions for the preemptor with the UID are still under way. Until they are not, it should not be
// tried again: it would find no place, or preempt more than it needs.
//
// Once only the last victim is left, the answer is what is seen of it: by the API server where it is deleted, and by the
// scheduler where it was called off. So the event of its leaving finds the preemptor free, even if it comes before the
// answer to the call that made it leave.
func (e *Evictor) Busy(uid types.UID) bool {
	e.mutex.RLock()
	at, busy := e.busy[uid]
	e.mutex.RUnlock()
	switch {
	case !busy || at.last == nil:
		return busy
	case at.calledOff && e.api.Assumed(at.last.UID):
		return true
	case at.calledOff:
		e.free(uid)
		return false
	}
	current := e.api.Pod(at.last.Namespace, at.last.Name)
	return current != nil && current.UID == at.last.UID && current.DeletionTimestamp == nil
}

func (e *Evictor) set(preemptor types.UID, at progress) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.busy[preemptor] = at
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
	if how != calledOff {
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
	w.set(w.preemptor.UID, progress{last: last})
	how, err := w.evict(ctx, last)
	if how == calledOff {
		w.set(w.preemptor.UID, progress{last: last, calledOff: true})
	}
	return how, err
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
		held := w.holdsItsPlace(victim)
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

// holdsItsPlace reports whether a victim is on a node, or on its way there. One that was taken back meanwhile is not, and
// its deletion is none from a node.
func (w *eviction) holdsItsPlace(victim *corev1.Pod) bool {
	if w.api.Assumed(victim.UID) {
		return true
	}
	current := w.api.Pod(victim.Namespace, victim.Name)
	return current != nil && current.UID == victim.UID && current.Spec.NodeName != ""
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
