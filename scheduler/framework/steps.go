package framework

import (
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
)

// filterStep is a plugin at the Filter point, with what is asked of it for each node worked out beforehand.
type filterStep struct {
	plugin   fwk.FilterPlugin
	name     string
	position int // among all filters of the profile
	local    bool
}

// filterSteps are the filters that run for a pod, in order: all of them, and those that are local and not.
type filterSteps struct {
	of                 *Framework
	all, local, others []filterStep
}

// scoreStep is the same for the Score point.
type scoreStep struct {
	plugin     fwk.ScorePlugin
	extensions fwk.ScoreExtensions // nil: none
	name       string
	weight     int64
	local      bool
}

// steps are all plugins of a profile that look at each node, and the selections of them that were asked for.
type steps struct {
	filters []filterStep
	scores  []scoreStep
	mutex   sync.RWMutex
	chosen  map[uint64]*filterSteps
}

func (f *Framework) findSteps() {
	for i, plugin := range f.filter {
		_, local := plugin.(EquivalencePlugin)
		f.filters = append(f.filters, filterStep{plugin, plugin.Name(), i, local})
	}
	for _, plugin := range f.score {
		_, local := plugin.(EquivalencePlugin)
		f.scores = append(f.scores, scoreStep{plugin, plugin.ScoreExtensions(), plugin.Name(), f.weights[plugin.Name()], local})
	}
	f.chosen = map[uint64]*filterSteps{}
}

// filtersFor returns the filters that run for a pod. It remembers each selection: there are few.
func (f *Framework) filtersFor(state fwk.CycleState) *filterSteps {
	if own, ok := state.(*CycleState); ok && own.filters != nil && own.filters.of == f {
		return own.filters
	}
	return f.filtersWithout(state.GetSkipFilterPlugins())
}

func (f *Framework) filtersWithout(skipped sets.Set[string]) *filterSteps {
	if len(f.filters) > 64 {
		return f.selectFilters(skipped)
	}
	var key uint64
	for i, step := range f.filters {
		if len(skipped) > 0 && skipped.Has(step.name) {
			key |= 1 << i
		}
	}
	f.mutex.RLock()
	chosen, known := f.chosen[key]
	f.mutex.RUnlock()
	if !known {
		chosen = f.selectFilters(skipped)
		f.mutex.Lock()
		f.chosen[key] = chosen
		f.mutex.Unlock()
	}
	return chosen
}

func (f *Framework) selectFilters(skipped sets.Set[string]) *filterSteps {
	chosen := &filterSteps{of: f}
	for _, step := range f.filters {
		if skipped.Has(step.name) {
			continue
		}
		chosen.all = append(chosen.all, step)
		if step.local {
			chosen.local = append(chosen.local, step)
		} else {
			chosen.others = append(chosen.others, step)
		}
	}
	return chosen
}

// scorers returns the plugins that score nodes for a pod.
func (f *Framework) scorers(state fwk.CycleState) []scoreStep {
	skipped := state.GetSkipScorePlugins()
	if len(skipped) == 0 {
		return f.scores
	}
	chosen := make([]scoreStep, 0, len(f.scores))
	for _, step := range f.scores {
		if !skipped.Has(step.name) {
			chosen = append(chosen, step)
		}
	}
	return chosen
}
