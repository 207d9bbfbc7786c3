package nodeagent

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/shutdown"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// newShutdown makes what ends pods before the machine goes down; nil where the configuration gives them no time for that.
func (a *Agent) newShutdown(one *oneNode) *shutdown.Manager {
	o := &a.options
	ranges := shutdown.RangesOf(o.Configuration)
	if len(ranges) == 0 {
		return nil
	}
	connect := o.Inhibitor
	if connect == nil {
		connect = shutdown.Logind{}.Connect
	}
	return shutdown.New(shutdown.Options{
		Ranges: ranges, Connect: connect, Pods: one.loop.Pods, Ended: one.loop.Ended, End: one.loop.Evict,
		Tell: one.tellStatus, NodeEvent: a.nodeEvent, Clock: o.Clock, Log: o.Log,
	})
}

// tellAttempts is how often the status of a node is written that others change as well.
const tellAttempts = 5

// tellStatus writes the status of the node now, and not with the next heartbeat.
func (o *oneNode) tellStatus(ctx context.Context) (err error) {
	for range tellAttempts {
		if err = o.heartbeat.UpdateStatus(ctx); err == nil {
			return nil
		}
	}
	return err
}

// shuttingDown refuses pods while the machine goes down.
func (a *Agent) shuttingDown(pod *corev1.Pod, others []*corev1.Pod) *status.Failure {
	if a.shutdown == nil {
		return nil
	}
	return a.shutdown.Admit(pod, others)
}

// shutdownStatus is why the node is not ready while the machine goes down.
func (a *Agent) shutdownStatus() error {
	if a.shutdown == nil {
		return nil
	}
	return a.shutdown.Status()
}
