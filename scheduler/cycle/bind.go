package cycle

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
	"github.com/orrery-dev/orrery/scheduler/queue"
)

var assignedPodDeleted = fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}

// reserve assumes the pod on the node, and asks the Reserve and Permit plugins.
func (c *Cycle) reserve(ctx context.Context, a *attempt, node string) (*corev1.Pod, *failure) {
	info := a.entry.PodInfo.On(node)
	assumed := info.GetPod()
	if err := c.Cache.Assume(info); err != nil {
		return nil, &failure{status: fwk.AsStatus(err), nominating: noNomination}
	}
	c.Queue.DeleteNominatedPodIfExists(assumed)
	status := a.profile.RunReservePluginsReserve(ctx, a.state, assumed, node)
	if status.IsSuccess() {
		status = a.profile.RunPermitPlugins(ctx, a.state, assumed, node)
	}
	if !status.IsSuccess() && !status.IsWait() {
		c.unreserveAndForget(ctx, a, assumed, node)
		return nil, &failure{status: asFitError(a.pod(), node, status), nominating: noNomination}
	}
	return assumed, nil
}

// unreserveAndForget undoes reserve; it reports whether the pod was still assumed.
func (c *Cycle) unreserveAndForget(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) bool {
	a.profile.RunReservePluginsUnreserve(ctx, a.state, assumed, node)
	if err := c.Cache.Forget(assumed.UID); err != nil {
		klog.FromContext(ctx).Error(err, "Pod could not be taken back from the cache")
		return false
	}
	return true
}

// asFitError turns a rejection on the chosen node into the same kind of error as a rejection by a filter.
func asFitError(pod *corev1.Pod, node string, status *fwk.Status) *fwk.Status {
	if !status.IsRejected() {
		return status
	}
	return fwk.NewStatus(status.Code()).WithError(framework.NewFitError(pod, node, status))
}

// startBinding does the rest for a pod that is assumed on a node, beside the next decisions.
func (c *Cycle) startBinding(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) {
	c.binding.Add(1)
	queue := a.profile.BindQueue()
	queue.Expect(assumed.UID)
	go func() {
		defer c.binding.Done()
		defer queue.Leave(assumed.UID)
		running := metrics.Goroutines.WithLabelValues("binding")
		running.Inc()
		defer running.Dec()
		c.bindAssumed(ctx, a, assumed, node)
	}()
}

func (c *Cycle) bindAssumed(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.record.Node = node
	c.History.Add(a.record) // Before anybody can see the pod on its node.
	if status := c.bind(ctx, a, assumed, node); !status.IsSuccess() {
		a.quorum.refused()
		c.handleBindingError(ctx, a, assumed, node, status)
		return
	}
	c.Cache.FinishBinding(assumed.UID, c.Clock.Now())
	c.finishBinding(ctx, a, assumed, node)
}

func (c *Cycle) bind(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) *fwk.Status {
	flight := a.profile.RunPreBindPreFlights(ctx, a.state, assumed, node)
	if flight.IsError() || flight.IsRejected() {
		return flight
	}
	waits := flight.IsSuccess() || a.profile.WillWaitOnPermit(assumed)
	if waits || a.quorum != nil {
		a.profile.BindQueue().Leave(assumed.UID) // What it waits for may be the next decision.
	}
	if waits {
		// It may take a while, and others (such as an autoscaler) should know where the pod is going.
		going := &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: node}
		if err := c.API.Report(ctx, assumed, nil, going); err != nil {
			klog.FromContext(ctx).Error(err, "Node could not be nominated; binding goes on", "node", node)
		}
	}
	if status := a.profile.WaitOnPermit(ctx, assumed); !status.IsSuccess() {
		return asFitError(assumed, node, status)
	}
	if status := a.quorum.wait(ctx); !status.IsSuccess() {
		return asFitError(assumed, node, status)
	}
	// Nothing after this makes the pod wait for an event, so that none has to be kept for it.
	c.Queue.Done(assumed.UID)
	if flight.IsSuccess() {
		if status := c.preBind(ctx, a, assumed, node); !status.IsSuccess() {
			return status
		}
	}
	status := c.bindByPluginOrExtender(ctx, a, assumed, node)
	if status.IsSkip() {
		return fwk.AsStatus(fmt.Errorf("binding pod %s to node %s: every Bind plugin skipped it", klog.KObj(assumed), node))
	}
	return status
}

// preBind runs PreBind in a way that lets preemption call it off until it has ended.
func (c *Cycle) preBind(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) *fwk.Status {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.profile.AddPodInPreBind(assumed.UID, cancel)
	defer a.profile.RemovePodInPreBind(assumed.UID)
	if status := a.profile.RunPreBindPlugins(ctx, a.state, assumed, node); !status.IsSuccess() {
		return status
	}
	if !a.profile.GetPodInPreBind(assumed.UID).MarkPrebound() {
		return fwk.AsStatus(context.Cause(ctx))
	}
	return nil
}

// finishBinding tells everybody.
func (c *Cycle) finishBinding(ctx context.Context, a *attempt, assumed *corev1.Pod, node string) {
	a.profile.EventRecorder().Eventf(assumed, nil, corev1.EventTypeNormal, "Scheduled", "Binding",
		"Successfully assigned %v/%v to %v", assumed.Namespace, assumed.Name, node)
	klog.FromContext(ctx).V(2).Info("Pod bound", "node", node,
		"evaluatedNodes", a.record.Evaluated, "feasibleNodes", a.record.Feasible)
	metrics.Attempt(metrics.Scheduled, a.profile.ProfileName(), c.Clock.Since(a.start))
	metrics.PodAttempts.WithLabelValues().Observe(float64(a.entry.Attempts))
	if first := a.entry.FirstTried; first != nil {
		metrics.PodSLIDuration.WithLabelValues(attemptsLabel(a.entry)).Observe(c.Clock.Since(*first).Seconds())
	}
	if a.entry.Flushed {
		metrics.PodScheduledAfterFlush.WithLabelValues().Inc()
	}
	a.profile.RunPostBindPlugins(ctx, a.state, assumed, node)
}

func attemptsLabel(entry *queue.Entry) string {
	if entry.Attempts >= 15 {
		return "15+"
	}
	return strconv.Itoa(entry.Attempts)
}

// handleBindingError takes the pod back from the node, and wakes the pods that may want its place. Neither the pod itself
// nor its group is woken by its own leaving.
func (c *Cycle) handleBindingError(ctx context.Context, a *attempt, assumed *corev1.Pod, node string, status *fwk.Status) {
	wake := func() {
		c.Queue.Move(assignedPodDeleted, assumed, nil, func(pod *corev1.Pod) bool {
			return pod.UID != assumed.UID && !podgroups.Together(pod, assumed)
		})
	}
	if c.unreserveAndForget(ctx, a, assumed, node) {
		if status.IsRejected() {
			defer wake() // Once it is queued again: what happens while it is in flight counts for it too.
		} else {
			wake()
		}
	}
	c.handleFailure(ctx, a, failure{status: status, nominating: noNomination})
}
