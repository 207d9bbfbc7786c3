package pods

import (
	"encoding/json"
	"fmt"
	"maps"
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

func (w *World) isInit(container string) bool {
	return slices.ContainsFunc(w.Pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == container })
}
