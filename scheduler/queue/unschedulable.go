package queue

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// anyEvent stands for plugins in the index of unschedulableEntries: what is filed under it is looked at whatever happens.
const anyEvent = ""

// unschedulableEntries are the unschedulable pods and groups, and by plugin those that it refused. An event is mostly for
// few plugins, and there can be many pods that others refused.
type unschedulableEntries struct {
	all      map[types.UID]*Entry // by key
	byPlugin map[string]map[types.UID]*Entry
}

func newUnschedulableEntries() unschedulableEntries {
	return unschedulableEntries{all: map[types.UID]*Entry{}, byPlugin: map[string]map[types.UID]*Entry{}}
}

func (w unschedulableEntries) add(entry *Entry, hints hintIndex) {
	w.all[entry.key()] = entry
	_, known := hints.byProfile[entry.profile()]
	switch rejectors := entry.rejectors(); {
	case entry.grouping != nil || !known || len(rejectors) == 0: // What refused a group's members changes while it waits.
		entry.filed = []string{anyEvent}
	default:
		entry.filed = rejectors.UnsortedList()
	}
	for _, plugin := range entry.filed {
		if w.byPlugin[plugin] == nil {
			w.byPlugin[plugin] = map[types.UID]*Entry{}
		}
		w.byPlugin[plugin][entry.key()] = entry
	}
}

func (w unschedulableEntries) remove(entry *Entry) {
	delete(w.all, entry.key())
	for _, plugin := range entry.filed {
		if delete(w.byPlugin[plugin], entry.key()); len(w.byPlugin[plugin]) == 0 {
			delete(w.byPlugin, plugin)
		}
	}
	entry.filed = nil
}

// concerned returns the entries that an event may mean something to: at least those refused by a plugin that registered
// for it.
func (w unschedulableEntries) concerned(event fwk.ClusterEvent, hints hintIndex) []*Entry {
	if framework.IsWildCard(event) {
		return slices.Collect(maps.Values(w.all))
	}
	concerned := slices.Collect(maps.Values(w.byPlugin[anyEvent]))
	plugins := hints.pluginsFor(event)
	for i, plugin := range plugins {
		for _, entry := range w.byPlugin[plugin] {
			if !slices.ContainsFunc(plugins[:i], func(earlier string) bool { return slices.Contains(entry.filed, earlier) }) {
				concerned = append(concerned, entry)
			}
		}
	}
	return concerned
}
