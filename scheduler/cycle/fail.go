package cycle

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// longestNote is how long the note of an Event can be.
const longestNote = 1024

// noNomination ends a nomination that an earlier attempt made.
var noNomination = &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride}

// failure is why an attempt ended without the pod being bound.
type failure struct {
	status *fwk.Status
	// nominating says what becomes of the pod's nomination. Nil leaves it as it is.
	nominating *fwk.NominatingInfo
}

// handleFailure puts the pod back into the queue, and says why in an Event, in the pod's condition and in the history.
func (c *Cycle) handleFailure(ctx context.Context, a *attempt, failure failure) {
	uid := a.pod().UID
	defer c.Queue.Done(uid) // Where the pod does not go back, its events need not be kept.
	reason, result := corev1.PodReasonSchedulerError, metrics.Failed
	if failure.status.IsRejected() {
		reason, result = corev1.PodReasonUnschedulable, metrics.Unschedulable
	}
	metrics.Attempt(result, a.profile.ProfileName(), c.Clock.Since(a.start))
	message := failure.status.Message()
	a.record.Node, a.record.Message = "", message
	c.History.Add(a.record)
	c.log(ctx, failure.status)

	current := c.API.Pod(a.pod().Namespace, a.pod().Name)
	if current == nil || current.UID != uid || current.Spec.NodeName != "" {
		return // It is gone, or bound after all.
	}
	c.setRejectors(a, failure.status)
	info, _ := nodeinfo.NewPodInfo(current) // Terms that cannot be parsed were reported when the pod was queued.
	if err := c.Queue.Requeue(a.entry, info); err != nil {
		klog.FromContext(ctx).Error(err, "Pod could not be put back into the queue")
	}
	c.Queue.AddNominatedPod(klog.FromContext(ctx), info, failure.nominating)
	a.profile.EventRecorder().Eventf(current, nil, corev1.EventTypeWarning, "FailedScheduling", "Scheduling", "%s", shortened(message))
	condition := &corev1.PodCondition{
		Type:               corev1.PodScheduled,
		Status:             corev1.ConditionFalse,
		ObservedGeneration: current.Generation,
		Reason:             reason,
		Message:            message,
	}
	if err := c.API.Report(ctx, current, condition, failure.nominating); err != nil {
		klog.FromContext(ctx).Error(err, "Pod's condition could not be written")
	}
}

// setRejectors notes in the entry which plugins an event has to concern to bring the pod back.
func (c *Cycle) setRejectors(a *attempt, status *fwk.Status) {
	a.entry.UnschedulablePlugins, a.entry.PendingPlugins = nil, nil
	var fit *framework.FitError
	switch err := status.AsError(); {
	case errors.As(err, &fit):
		a.entry.UnschedulablePlugins = fit.Diagnosis.UnschedulablePlugins
		a.entry.PendingPlugins = fit.Diagnosis.PendingPlugins
	case errors.Is(err, errNoNodes):
		a.entry.UnschedulablePlugins = sets.New(framework.NoNodes)
	}
}

func (c *Cycle) log(ctx context.Context, status *fwk.Status) {
	if status.IsRejected() {
		klog.FromContext(ctx).V(2).Info("Pod is unschedulable", "reason", status.Message())
		return
	}
	klog.FromContext(ctx).Error(status.AsError(), "Attempt to schedule the pod failed; it is tried again")
}

func shortened(message string) string {
	const end = " ..."
	if len(message) <= longestNote {
		return message
	}
	return message[:longestNote-len(end)] + end
}
