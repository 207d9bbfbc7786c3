package scheduler

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

var (
	assignedPodAdded   = fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Add}
	assignedPodDeleted = fwk.ClusterEvent{Resource: fwk.AssignedPod, ActionType: fwk.Delete}
	nodeAdded          = fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}
	nodeDeleted        = fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Delete}
)

// assigned reports whether a pod takes something from a node. One that has ended does not.
func assigned(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" && !ended(pod) }

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// pending reports whether a pod is ours to schedule.
func (s *Scheduler) pending(pod *corev1.Pod) bool {
	_, ours := s.profiles[pod.Spec.SchedulerName]
	return ours && pod.Spec.NodeName == "" && !ended(pod)
}

func (s *Scheduler) podAdded(pod *corev1.Pod) {
	switch {
	case assigned(pod):
		s.addAssignedPod(pod)
	case s.pending(pod):
		defer handled("UnscheduledPodAdd")()
		s.addUnscheduledGroupPod(pod)
		s.queue.Add(pod)
	}
}

func (s *Scheduler) podUpdated(old, new *corev1.Pod) {
	switch {
	case old.UID == new.UID && old.ResourceVersion == new.ResourceVersion: // It was only listed again.
	case old.UID != new.UID: // The deletion between the two was not seen.
		s.podDeleted(old)
		s.podAdded(new)
	case assigned(old) && assigned(new):
		defer handled("AssignedPodUpdate")()
		s.log(s.cache.UpdatePod(new), new)
		for _, event := range framework.PodChanges(fwk.AssignedPod, old, new) {
			s.queue.Move(event, old, new, nil)
		}
	case assigned(old):
		s.deleteAssignedPod(new)
	case assigned(new):
		s.addAssignedPod(new)
		s.queue.Delete(old)
	case s.pending(old) && s.pending(new):
		s.updatePendingPod(old, new)
	case s.pending(old):
		s.deletePendingPod(old)
	case s.pending(new):
		s.podAdded(new)
	}
}

func (s *Scheduler) podDeleted(pod *corev1.Pod) {
	if assigned(pod) {
		s.deleteAssignedPod(pod)
	} else if s.pending(pod) {
		s.deletePendingPod(pod)
	}
}

// addAssignedPod counts a pod on its node.
func (s *Scheduler) addAssignedPod(pod *corev1.Pod) {
	defer handled(assignedPodAdded.Label())()
	s.log(s.cache.AddPod(pod), pod)
	s.queue.Move(assignedPodAdded, nil, pod, nil)
}

// deleteAssignedPod counts a pod no longer.
func (s *Scheduler) deleteAssignedPod(pod *corev1.Pod) {
	defer handled(assignedPodDeleted.Label())()
	_, err := s.cache.RemovePod(pod.UID)
	s.log(err, pod)
	s.queue.Move(assignedPodDeleted, pod, nil, nil)
}

func (s *Scheduler) updatePendingPod(old, new *corev1.Pod) {
	defer handled("UnscheduledPodUpdate")()
	s.addUnscheduledGroupPod(new)
	if s.cache.IsAssumed(new.UID) {
		if new.DeletionTimestamp != nil && old.DeletionTimestamp == nil {
			s.cancelBinding(new)
		}
		return
	}
	s.queue.Update(old, new)
	if old.Status.NominatedNodeName != "" && old.Status.NominatedNodeName != new.Status.NominatedNodeName {
		s.nominationEnded(old)
	}
}

// deletePendingPod forgets a pod that was never assigned.
func (s *Scheduler) deletePendingPod(pod *corev1.Pod) {
	defer handled("UnscheduledPodDelete")()
	s.deleteUnscheduledGroupPod(pod)
	s.queue.Delete(pod)
	if s.cache.IsAssumed(pod.UID) {
		s.cancelBinding(pod)
		return
	}
	if pod.Status.NominatedNodeName != "" {
		s.nominationEnded(pod)
	}
}

// cancelBinding ends the binding of a pod that is assumed on a node and being deleted.
func (s *Scheduler) cancelBinding(pod *corev1.Pod) {
	assumed, found := s.cache.Pod(pod.UID)
	if !found {
		return
	}
	profile, known := s.profiles[pod.Spec.SchedulerName]
	if known && !profile.RejectWaitingPod(pod.UID) {
		_, err := s.cache.RemovePod(pod.UID)
		s.log(err, pod)
	}
	s.queue.Move(assignedPodDeleted, assumed, nil, nil)
}

// nominationEnded wakes the pods that left their place to one that was nominated to a node and is not any more.
func (s *Scheduler) nominationEnded(pod *corev1.Pod) {
	priority := schedulinghelpers.PodPriority(pod)
	s.queue.Move(assignedPodDeleted, pod, nil, func(other *corev1.Pod) bool {
		return schedulinghelpers.PodPriority(other) <= priority
	})
}

func (s *Scheduler) nodeAdded(node *corev1.Node) {
	defer handled(nodeAdded.Label())()
	s.cache.AddNode(node)
	s.queue.Move(nodeAdded, nil, node, nil)
}

func (s *Scheduler) nodeUpdated(old, new *corev1.Node) {
	defer handled("NodeUpdate")()
	s.cache.AddNode(new)
	for _, event := range framework.NodeChanges(old, new) {
		s.queue.Move(event, old, new, nil)
	}
}

func (s *Scheduler) nodeDeleted(node *corev1.Node) {
	defer handled(nodeDeleted.Label())()
	s.cache.RemoveNode(node.Name) // First: whom the event brings back is tried at once.
	s.queue.Move(nodeDeleted, node, nil, nil)
}

func (s *Scheduler) log(err error, pod *corev1.Pod) {
	if err != nil {
		s.options.Logger.Error(err, "Cache and API server disagree on a pod", "pod", klog.KObj(pod))
	}
}

// handled measures how long an event took. Use: defer handled("NodeAdd")().
func handled(event string) func() {
	start := time.Now()
	return func() {
		metrics.EventHandlingDuration.WithLabelValues(event).Observe(time.Since(start).Seconds())
	}
}
