package framework

import (
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// CycleState is what plugins remember between the extension points of one pod's attempt. It is safe for concurrent use.
type CycleState struct {
	stateData
	recordMetrics    bool
	filters          *filterSteps // those that run; nil: look at skipFilter
	class            *ClassState  // what is known of the pod's class; may be nil
	skipFilter       sets.Set[string]
	skipScore        sets.Set[string]
	skipPreBind      sets.Set[string]
	parallelPreBinds sets.Set[string]
	placement        *PlacementState // nil outside of the decision on a pod group
}

var _ fwk.CycleState = &CycleState{}

// NewCycleState returns an empty state. With recordMetrics, the duration of every plugin call is measured.
func NewCycleState(recordMetrics bool) *CycleState {
	return &CycleState{recordMetrics: recordMetrics}
}

// ShouldRecordPluginMetrics reports whether plugin calls of this attempt are measured; attempts are sampled.
func (s *CycleState) ShouldRecordPluginMetrics() bool { return s != nil && s.recordMetrics }

// GetSkipFilterPlugins returns the plugins whose Filter has nothing to do for this pod.
func (s *CycleState) GetSkipFilterPlugins() sets.Set[string] { return s.skipFilter }

// SetSkipFilterPlugins sets the plugins whose Filter has nothing to do for this pod.
func (s *CycleState) SetSkipFilterPlugins(plugins sets.Set[string]) {
	s.skipFilter, s.filters = plugins, nil
}

// GetSkipScorePlugins returns the plugins whose Score has nothing to do for this pod.
func (s *CycleState) GetSkipScorePlugins() sets.Set[string] { return s.skipScore }

// SetSkipScorePlugins sets the plugins whose Score has nothing to do for this pod.
func (s *CycleState) SetSkipScorePlugins(plugins sets.Set[string]) { s.skipScore = plugins }

// GetSkipPreBindPlugins returns the plugins whose PreBind has nothing to do for this pod.
func (s *CycleState) GetSkipPreBindPlugins() sets.Set[string] { return s.skipPreBind }

// SetSkipPreBindPlugins sets the plugins whose PreBind has nothing to do for this pod.
func (s *CycleState) SetSkipPreBindPlugins(plugins sets.Set[string]) { s.skipPreBind = plugins }

// GetParallelPreBindPlugins returns the plugins whose PreBind may run beside others.
func (s *CycleState) GetParallelPreBindPlugins() sets.Set[string] { return s.parallelPreBinds }

// SetParallelPreBindPlugins sets the plugins whose PreBind may run beside others.
func (s *CycleState) SetParallelPreBindPlugins(plugins sets.Set[string]) {
	s.parallelPreBinds = plugins
}

// ShouldSkipAllPostFilterPlugins is false: for the members of a pod group PostFilter is not run in the first place.
func (s *CycleState) ShouldSkipAllPostFilterPlugins() bool { return false }

// Clone copies the state, each value by its own Clone. The sets of skipped plugins are shared: nobody changes them.
func (s *CycleState) Clone() fwk.CycleState {
	if s == nil {
		return nil
	}
	copied := &CycleState{
		recordMetrics:    s.recordMetrics,
		filters:          s.filters,
		class:            s.class,
		skipFilter:       s.skipFilter,
		skipScore:        s.skipScore,
		skipPreBind:      s.skipPreBind,
		parallelPreBinds: s.parallelPreBinds,
		placement:        s.placement,
	}
	s.cloneInto(&copied.stateData)
	return copied
}
