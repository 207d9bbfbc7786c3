package pods

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/restart"
)

// checkpoint is what must not be forgotten about a pod that was resized. A pod that never was has none: its sandbox remembers what it
// was allocated, and its containers what they were made with.
type checkpoint struct {
	// Allocated is what the pod may have: the last resize that was accepted.
	Allocated *allocation `json:"allocated"`
	// Group are the limits that the pod's control group has.
	Group cgroups.Limits `json:"group"`
	// Containers holds, by ID, what containers were given since they were made.
	Containers map[string]Amounts `json:"containers,omitempty"`
	// Begun is what a call was begun for that is not known to have been answered: the ID of a container, "" for the group; nil if there is
	// none. What is kept of it is the larger of what it had and what the call was to give it.
	Begun *string `json:"begun,omitempty"`
	// Restarts are the IDs of containers that were stopped to be started again with other amounts, whatever their restart policy.
	Restarts []string `json:"restarts,omitempty"`
	// Generation is that of the spec whose resize is in progress; zero if none is.
	Generation int64 `json:"generation,omitempty"`
}

func (c *checkpoint) copy() *checkpoint {
	copied := *c
	copied.Containers, copied.Restarts = maps.Clone(c.Containers), slices.Clone(c.Restarts)
	return &copied
}

func (c *checkpoint) encode() []byte {
	text, _ := json.Marshal(c) //nolint:errchkjson // a decoded API type always encodes
	return text
}

// decode reads a checkpoint; nil if there is none.
func decode(text []byte) (*checkpoint, error) {
	if len(text) == 0 {
		return nil, nil
	}
	c := &checkpoint{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading what a pod was resized to: %w", err)
	}
	if c.Allocated == nil {
		return nil, fmt.Errorf("reading what a pod was resized to: it says nothing of an allocation")
	}
	return c, nil
}

// checkpoint is a copy of what is kept about the pod, to be changed; of one that never was resized, what would be.
func (w *World) checkpoint() *checkpoint {
	if w.Resized == nil {
		return &checkpoint{Allocated: allocationOf(&w.Pod.Spec), Group: w.group()}
	}
	return w.Resized.copy()
}

// group are the limits that the pod's control group has, or is to be made with.
func (w *World) group() cgroups.Limits {
	if w.Resized != nil {
		return w.Resized.Group
	}
	return cgroups.Of(&w.Pod.Spec)
}

// has are the amounts that an instance of a container has now.
func (w *World) has(c *cri.Container, spec *corev1.Container) Amounts {
	if w.Resized != nil {
		if given, changed := w.Resized.Containers[c.ID]; changed {
			return given
		}
	}
	switch amounts, told := madeWith(c); {
	case told:
		return amounts
	case w.Resized == nil:
		return AmountsOf(w.Pod, spec)
	default: // nobody knows: it is given what it is to have
		return Amounts{}
	}
}

// startedAgain are the IDs of containers that are started again whatever their restart policy.
func (w *World) startedAgain() []string {
	if w.Resized == nil {
		return nil
	}
	return w.Resized.Restarts
}

// toBeRestarted says whether an instance was stopped for its container to be started again with other amounts.
func (w *World) toBeRestarted(c *cri.Container) bool {
	return slices.Contains(w.startedAgain(), c.ID)
}

// resizeRestarts says whether an instance that runs has to give way to one with other amounts.
func (w *World) resizeRestarts(c *cri.Container, spec *corev1.Container) bool {
	return w.has(c, spec).restarts(AmountsOf(w.Pod, spec), spec.ResizePolicy)
}

// resizing says what is left to do until the pod has all that it was allocated; "" if nothing is. Init containers that end by
// themselves do not count, nor does what does not run: it is started with what was allocated.
func (w *World) resizing() string {
	if w.group() != cgroups.Of(&w.Pod.Spec) {
		return "its control group has other limits"
	}
	if unsure := w.restored(); unsure != nil {
		return fmt.Sprintf("nobody knows whether %s was changed", unsure.of())
	}
	for _, r := range w.resizable() {
		ends := w.isInit(r.spec.Name) && !restart.Sidecar(r.spec)
		if !ends && w.has(r.instance, r.spec) != AmountsOf(w.Pod, r.spec) {
			return fmt.Sprintf("container %s has other requests or limits", r.spec.Name)
		}
	}
	return ""
}

// resizable is a container that runs, with its spec.
type resizable struct {
	instance *cri.Container
	spec     *corev1.Container
}

// resizable are the containers of the pod that run in its sandbox, in the order of the spec.
func (w *World) resizable() (found []resizable) {
	sandbox := w.Runtime.Ready()
	if sandbox == nil {
		return nil
	}
	for _, list := range [][]corev1.Container{w.Pod.Spec.InitContainers, w.Pod.Spec.Containers} {
		for i := range list {
			if c := w.Runtime.LatestIn(sandbox.ID, list[i].Name); c != nil && c.Running() && c.Name != w.starting() {
				found = append(found, resizable{c, &list[i]})
			}
		}
	}
	return found
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

func (w *World) isInit(container string) bool {
	return slices.ContainsFunc(w.Pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == container })
}

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
