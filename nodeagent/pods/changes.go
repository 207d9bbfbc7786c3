package pods

import (
	"fmt"
	"math"
	"slices"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// change is one call by which a pod gets other limits: of its control group, or of one of its containers.
type change struct {
	// container and id are empty where the group is meant.
	container, id string
	// before are the amounts that the container has until then.
	before, amounts Amounts
	group           cgroups.Limits
}

func (c change) String() string {
	if c.id == "" {
		return fmt.Sprintf("%s to cpu.shares %d, cpu quota %s, memory %s", c.of(), c.group.Shares, orNone(c.group.Quota), orNone(c.group.Memory))
	}
	return fmt.Sprintf("%s to %s", c.of(), c.amounts)
}

// of is what the call changes.
func (c change) of() string {
	if c.id == "" {
		return "the pod's group"
	}
	return "container " + c.container
}

func orNone(value int64) string {
	if value == 0 {
		return "none"
	}
	return fmt.Sprint(value)
}

// restored is the call that settles what a group or a container has, where a call was begun and nobody knows how it ended, as when the
// agent was killed meanwhile; nil if there is none. It gives the larger of what it had and what it was to have: that takes nothing from
// anybody, and fits into the group, whatever was allocated since.
func (w *World) restored() *change {
	if w.Resized == nil || w.Resized.Begun == nil {
		return nil
	}
	if *w.Resized.Begun == "" {
		return &change{group: w.group()}
	}
	for _, r := range w.resizable() {
		if r.instance.ID == *w.Resized.Begun {
			has := w.has(r.instance, r.spec)
			return &change{container: r.spec.Name, id: r.instance.ID, before: has, amounts: has}
		}
	}
	return nil // it does not run any more
}

// changes are the calls that give a pod what it was allocated, in order: first the one that settles what it has already; memory before CPU, and for each the group first where its
// limit grows, and last where it shrinks, so that containers never have more than their group; and of containers those first that
// give something back. Containers that have to be started anew are not among them.
func (w *World) changes() (calls []change) {
	group, wanted := w.group(), cgroups.Of(&w.Pod.Spec)
	set := func(when bool, limits cgroups.Limits) {
		if when && group != limits {
			group = limits
			calls = append(calls, change{group: group})
		}
	}
	memory := func() cgroups.Limits { l := group; l.Memory = wanted.Memory; return l }
	quota := func() cgroups.Limits { l := group; l.Quota, l.Period = wanted.Quota, wanted.Period; return l }
	shares := func() cgroups.Limits { l := group; l.Shares = wanted.Shares; return l }
	updates, now := w.updates()
	if unsure := w.restored(); unsure != nil {
		calls = append(calls, *unsure)
	}

	// The group does not shrink below a container that still runs with what it had.
	shrinks := !w.waitsForRestart()

	set(more(wanted.Memory, group.Memory), memory())
	calls = append(calls, ordered(updates, now, Amounts.withMemory, func(a Amounts) int64 { return unlimited(a.MemoryLimit) })...)
	set(shrinks, memory())

	set(more(wanted.Quota, group.Quota), quota())
	set(wanted.Shares > group.Shares, shares())
	calls = append(calls, ordered(updates, now, Amounts.withCPU, func(a Amounts) int64 { return unlimited(a.CPULimit) })...)
	set(shrinks, shares())
	set(shrinks, quota())
	return calls
}

// waitsForRestart says whether a container runs that has to be started anew to get what the pod was allocated.
func (w *World) waitsForRestart() bool {
	return slices.ContainsFunc(w.resizable(), func(r resizable) bool { return w.resizeRestarts(r.instance, r.spec) })
}

// updates are the running containers that get other amounts without being started anew, and what each of them has now.
func (w *World) updates() (updates []change, now map[string]Amounts) {
	now = map[string]Amounts{}
	for _, r := range w.resizable() {
		has, wants := w.has(r.instance, r.spec), AmountsOf(w.Pod, r.spec)
		if has != wants && !has.restarts(wants, r.spec.ResizePolicy) {
			updates = append(updates, change{container: r.spec.Name, id: r.instance.ID, amounts: wants})
			now[r.instance.ID] = has
		}
	}
	return updates, now
}

// ordered are the calls for one resource: those that give back first. now is brought up to date.
func ordered(updates []change, now map[string]Amounts, with func(Amounts, Amounts) Amounts, of func(Amounts) int64) (calls []change) {
	for _, update := range updates {
		has := now[update.id]
		update.before, update.amounts = has, with(has, update.amounts)
		if update.amounts == has {
			continue
		}
		if now[update.id] = update.amounts; of(update.amounts) < of(has) {
			calls = slices.Insert(calls, 0, update)
		} else {
			calls = append(calls, update)
		}
	}
	return calls
}

// more compares limits of which zero is none.
func more(a, b int64) bool { return unlimited(a) > unlimited(b) }

func unlimited(value int64) int64 {
	if value == 0 {
		return math.MaxInt64
	}
	return value
}

// larger is of each limit the one that allows more.
func larger(a, b Amounts) Amounts {
	return Amounts{
		CPURequest: max(a.CPURequest, b.CPURequest), CPULimit: looser(a.CPULimit, b.CPULimit),
		MemoryRequest: max(a.MemoryRequest, b.MemoryRequest), MemoryLimit: looser(a.MemoryLimit, b.MemoryLimit),
	}
}

// largerGroup is the same of two limits of a group.
func largerGroup(a, b cgroups.Limits) cgroups.Limits {
	quota := a
	if more(b.Quota, a.Quota) {
		quota = b
	}
	return cgroups.Limits{
		Shares: max(a.Shares, b.Shares), Quota: quota.Quota, Period: quota.Period, Memory: looser(a.Memory, b.Memory), Pids: looser(a.Pids, b.Pids),
	}
}

// looser is the one of two limits that allows more.
func looser(a, b int64) int64 {
	if more(a, b) {
		return a
	}
	return b
}
