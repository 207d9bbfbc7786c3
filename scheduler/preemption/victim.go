package preemption

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Victim is what can only be preempted as a whole: a pod, or the pods of a group which may only be disrupted together.
type Victim struct {
	// Pods are those that go, at least one. They may be on several nodes.
	Pods []fwk.PodInfo
	// Priority is the pod's, or that of its group.
	Priority int32
	// Kind is fwk.PodKeyType for a pod that names no group.
	Kind fwk.EntityKeyType
	// Started is when the first of the pods did. One that has not started yet counts as starting now.
	Started time.Time
}

// NewVictim returns the victim that some pods are, at least one.
func NewVictim(kind fwk.EntityKeyType, priority int32, now time.Time, pods ...fwk.PodInfo) *Victim {
	victim := &Victim{Pods: pods, Priority: priority, Kind: kind, Started: started(pods[0].GetPod(), now)}
	for _, pod := range pods[1:] {
		if start := started(pod.GetPod(), now); start.Before(victim.Started) {
			victim.Started = start
		}
	}
	return victim
}

// Victims returns all that could go from the nodes for a preemptor of the given priority, which is what has a lower one, in
// the order of the nodes and of their pods. Groups are those of the snapshot; a pod whose group is not there goes
// alone and has its own priority, but ranks as one of a group. Pods of a group that goes as a whole are taken from all nodes
// of the snapshot.
func Victims(snapshot fwk.SharedLister, nodes []fwk.NodeInfo, preemptor int32, now time.Time) []*Victim {
	var victims []*Victim
	whole := map[fwk.EntityKey]bool{}
	for _, node := range nodes {
		for _, pod := range node.GetPods() {
			group := groupOf(snapshot, pod.GetPod())
			priority := priorityIn(group, pod.GetPod())
			if priority >= preemptor {
				continue
			}
			kind, pods := fwk.PodKeyType, []fwk.PodInfo{pod}
			if pod.GetPod().Spec.SchedulingGroup != nil {
				kind = fwk.PodGroupKeyType
			}
			if goesWhole(group) {
				key := fwk.PodGroupKey(group.Namespace, group.Name)
				if whole[key] {
					continue
				}
				whole[key], pods = true, members(snapshot, group, pod)
			}
			victims = append(victims, NewVictim(kind, priority, now, pods...))
		}
	}
	return victims
}

// PodPriority returns the priority with which a pod counts as a victim: that of its group, where it has one.
func PodPriority(snapshot fwk.SharedLister, pod *corev1.Pod) int32 {
	return priorityIn(groupOf(snapshot, pod), pod)
}

func priorityIn(group *schedulingv1beta1.PodGroup, pod *corev1.Pod) int32 {
	if group == nil {
		return schedulinghelpers.PodPriority(pod)
	}
	return GroupPriority(group)
}

func goesWhole(group *schedulingv1beta1.PodGroup) bool {
	return group != nil && group.Spec.DisruptionMode != nil && group.Spec.DisruptionMode.All != nil
}

// GroupPriority returns the priority of a group, which is 0 where it has none.
func GroupPriority(group *schedulingv1beta1.PodGroup) int32 {
	if group.Spec.Priority == nil {
		return 0
	}
	return *group.Spec.Priority
}

// Terminating reports whether a pod is being deleted because it was preempted.
func Terminating(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp == nil {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget {
			return condition.Status == corev1.ConditionTrue && condition.Reason == corev1.PodReasonPreemptionByScheduler
		}
	}
	return false
}

// compareImportance puts the more important of two victims first: by priority, then groups before pods, then the larger
// group, then what started earlier.
func compareImportance(a, b *Victim) int {
	return cmp.Or(
		cmp.Compare(b.Priority, a.Priority),
		cmp.Compare(rank(b), rank(a)),
		cmp.Compare(len(b.Pods), len(a.Pods)),
		a.Started.Compare(b.Started),
	)
}

// sorted returns the victims with the more important first. What is equally important stays in its order.
func sorted(victims []*Victim) []*Victim {
	victims = slices.Clone(victims)
	slices.SortStableFunc(victims, compareImportance)
	return victims
}

func rank(victim *Victim) int {
	switch victim.Kind {
	case fwk.CompositePodGroupKeyType:
		return 2
	case fwk.PodGroupKeyType:
		return 1
	}
	return 0
}

// groupOf returns the group of a pod, or nil where it has none or the group is not known.
func groupOf(snapshot fwk.SharedLister, pod *corev1.Pod) *schedulingv1beta1.PodGroup {
	if pod.Spec.SchedulingGroup == nil || pod.Spec.SchedulingGroup.PodGroupName == nil {
		return nil
	}
	group, err := snapshot.PodGroups().Get(pod.Namespace, *pod.Spec.SchedulingGroup.PodGroupName)
	if err != nil {
		return nil
	}
	return group
}

// members returns the pods of a group that are on nodes, of which one is known.
func members(snapshot fwk.SharedLister, group *schedulingv1beta1.PodGroup, known fwk.PodInfo) []fwk.PodInfo {
	state, err := snapshot.PodGroupStates().Get(group.Namespace, group.Name)
	if err != nil || state.ScheduledPodsCount() == 0 {
		return []fwk.PodInfo{known}
	}
	var pods []fwk.PodInfo
	for _, pod := range state.ScheduledPods() {
		info, _ := nodeinfo.NewPodInfo(pod) // Terms that cannot be parsed were reported when the pod was queued.
		pods = append(pods, info)
	}
	return pods
}

func started(pod *corev1.Pod, now time.Time) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return now
}
