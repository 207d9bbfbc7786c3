package pods

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// allocates says whether the pass accepts a resize.
func (d *decision) allocates() bool { return d.Wanted != nil && d.Refused == nil }

// allocate plans to accept what the spec asks for by now, or says why that has to wait.
func (d *decision) allocate() {
	switch {
	case d.Wanted == nil:
	case d.Refused == nil:
		d.do(&allocateResize{"its spec asks for other requests or limits"})
	default:
		kind := "Resize" + d.Refused.Reason
		d.steps = append(d.steps, &recordEvent{
			kind: corev1.EventTypeWarning, reason: kind, message: resizeMessage("Pod resize "+d.Refused.Reason, d.Wanted, d.Wanted.Generation, d.Refused.Message),
			instance: fmt.Sprint(d.Wanted.Generation),
		})
		d.plan.Because(fmt.Sprintf("its resize is %s: %s", d.Refused.Reason, d.Refused.Message))
		if d.Refused.Reason == corev1.PodReasonDeferred {
			d.again(d.now.Add(retryPending), "there may be room for its resize")
		}
	}
}

// resize gives the pod's group and its running containers what the pod was allocated. What has to be started anew for that is
// stopped like any other container that must not go on: see check.
func (d *decision) resize() {
	if d.Resized == nil || d.Resized.Generation == 0 && d.resizing() == "" {
		return
	}
	why := d.resizing()
	until := d.Memory.ResizeFailed.At.Add(retryStart)
	switch calls := d.changes(); {
	case why == "" && d.starting() != "":
		// Its start may have begun before the resize was accepted: what it runs with is known when it runs.
		d.plan.Because(fmt.Sprintf("its resize waits for container %s to be started", d.starting()))
	case why == "":
		d.do(&finishResize{"nothing is left to do about it"})
	case len(calls) == 0:
		d.plan.Because("waiting for containers to be started anew: " + why)
	case d.preparing: // which sets the limits of the group as well
		d.plan.Because("its resize waits for directories and volumes to be prepared")
	case d.Memory.ResizeFailed.Message != "" && until.After(d.now):
		d.again(until, "its resize is tried again")
		d.plan.Because(fmt.Sprintf("resizing again in %s: %s", round(until.Sub(d.now)), d.Memory.ResizeFailed.Message))
	default:
		d.do(&resizePod{calls: calls, lowered: d.lowered(calls), reason: reason(why)})
	}
}

// lowered are the memory limits that calls make smaller, by container ID; that of the pod's group by "".
func (d *decision) lowered(calls []change) map[string]int64 {
	limits := map[string]int64{}
	for _, call := range calls {
		switch {
		case call.id == "" && more(d.group().Memory, call.group.Memory):
			limits[""] = call.group.Memory
		case call.id != "" && more(d.has(d.instance(call.id), d.spec(call.container)).MemoryLimit, call.amounts.MemoryLimit):
			limits[call.id] = call.amounts.MemoryLimit
		}
	}
	return limits
}

// restartToResize plans to stop a running container that has to be started anew to get what it was allocated. It returns whether it
// does.
func (d *decision) restartToResize(c *cri.Container, spec *corev1.Container) bool {
	if !d.resizeRestarts(c, spec) {
		return false
	}
	message := fmt.Sprintf("Container %s resize requires restart", spec.Name)
	if !d.toBeRestarted(c) {
		d.do(&noteRestart{id: c.ID, name: spec.Name, reason: reason(message)})
	}
	d.kill(c, d.killingSince(c), d.grace(), message, message)
	return true
}

// resizedAllocation is one container in the message of an event.
type resizedAllocation struct {
	Name      string                      `json:"name"`
	Resources corev1.ResourceRequirements `json:"resources"`
}

// resizeMessage is the kubelet's message of an event about a resize: what the spec of a generation asks for, and what is wrong.
func resizeMessage(prefix string, pod *corev1.Pod, generation int64, wrong string) string {
	summary := struct {
		InitContainers []resizedAllocation `json:"initContainers,omitempty"`
		Containers     []resizedAllocation `json:"containers,omitempty"`
		Generation     int64               `json:"generation"`
		Error          string              `json:"error,omitempty"`
	}{Generation: generation, Error: wrong}
	for i := range pod.Spec.InitContainers {
		summary.InitContainers = append(summary.InitContainers, resizedAllocation{pod.Spec.InitContainers[i].Name, pod.Spec.InitContainers[i].Resources})
	}
	for i := range pod.Spec.Containers {
		summary.Containers = append(summary.Containers, resizedAllocation{pod.Spec.Containers[i].Name, pod.Spec.Containers[i].Resources})
	}
	text, err := json.Marshal(summary)
	if err != nil {
		return prefix
	}
	return prefix + ": " + string(text)
}
