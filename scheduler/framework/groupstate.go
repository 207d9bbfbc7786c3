package framework

import fwk "k8s.io/kube-scheduler/framework"

// GroupState is what plugins remember during one attempt to schedule a pod group: it is shared by all its members and
// all placements that are tried. It is safe for concurrent use.
type GroupState struct {
	stateData
	recordMetrics bool
}

// PlacementState is what plugins remember while one placement is tried for a pod group. Where nothing generates
// placements there is one, of all nodes. It is safe for concurrent use.
type PlacementState struct {
	stateData
	group *GroupState
}

var (
	_ fwk.PodGroupCycleState  = &GroupState{}
	_ fwk.PlacementCycleState = &PlacementState{}
)

// NewGroupState returns an empty state. With recordMetrics, the duration of every plugin call is measured.
func NewGroupState(recordMetrics bool) *GroupState { return &GroupState{recordMetrics: recordMetrics} }

// NewPlacementState returns the empty state of one placement.
func NewPlacementState(group *GroupState) *PlacementState { return &PlacementState{group: group} }

// ShouldRecordPluginMetrics reports whether plugin calls of this attempt are measured; attempts are sampled.
func (s *GroupState) ShouldRecordPluginMetrics() bool { return s != nil && s.recordMetrics }

// GetParentPlacementCycleState returns nil: there are no groups of groups.
func (s *GroupState) GetParentPlacementCycleState() fwk.PlacementCycleState { return nil }

// ShouldRecordPluginMetrics reports whether plugin calls of this attempt are measured; attempts are sampled.
func (s *PlacementState) ShouldRecordPluginMetrics() bool {
	return s != nil && s.group.ShouldRecordPluginMetrics()
}

// GetPodGroupSchedulingCycle returns the state of the group's attempt.
func (s *PlacementState) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState { return s.group }

// JoinGroup makes this the state of a pod that is decided on together with others of its group. Nil ends that, which
// happens before the pod is bound.
func (s *CycleState) JoinGroup(placement *PlacementState) { s.placement = placement }

// IsPodGroupSchedulingCycle reports whether the pod is being decided on together with others of its group.
func (s *CycleState) IsPodGroupSchedulingCycle() bool { return s.placement != nil }

// GetPodGroupSchedulingCycle returns the state of the group's attempt, or nil where the pod is scheduled alone.
func (s *CycleState) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState {
	if s.placement == nil {
		return nil // A nil *GroupState would not be a nil interface.
	}
	return s.placement.group
}

// GetPlacementCycleState returns the state of the placement that is tried, or nil where the pod is scheduled alone.
func (s *CycleState) GetPlacementCycleState() fwk.PlacementCycleState {
	if s.placement == nil {
		return nil
	}
	return s.placement
}
