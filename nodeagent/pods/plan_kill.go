package pods

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// minimumGrace is what a container gets even when its pod's grace is over; the kubelet's figure.
const minimumGrace = 2 * time.Second

// killForPod ends a container because its pod ends, whose grace counts from when it was first asked to.
func (d *decision) killForPod(c *cri.Container) {
	since := d.Memory.Stopping
	if since.IsZero() {
		since = d.now
	}
	d.kill(c, since, d.grace(), "", d.because())
}

// killingSince is when a container's end began: now, unless it has begun already.
func (d *decision) killingSince(c *cri.Container) time.Time {
	if killing, begun := d.Memory.Killing[c.ID]; begun {
		return killing.Since
	}
	return d.now
}

// kill runs a container's preStop hook and then stops it, both within a grace that counts from since. A container of which the
// end has begun gets no more time than it was given, and when it gets less, its hook is not waited for.
func (d *decision) kill(c *cri.Container, since time.Time, grace time.Duration, message, why string) {
	d.killWith(c, preStop(d.Pod, c), since, grace, message, why)
}

// killAtOnce stops a container without its hook, and with as little grace as any gets.
func (d *decision) killAtOnce(c *cri.Container, message, why string) {
	d.killWith(c, nil, d.killingSince(c), minimumGrace, message, why)
}

func (d *decision) killWith(c *cri.Container, hook *corev1.LifecycleHandler, since time.Time, grace time.Duration, message, why string) {
	killing, begun := d.Memory.Killing[c.ID]
	grace = max(grace, minimumGrace)
	if begun {
		killing.Hooked = killing.Hooked || grace < killing.Grace
		grace = min(grace, killing.Grace)
	}
	k := kill{
		id: c.ID, name: c.Name, grace: grace, left: max(grace-d.now.Sub(since), minimumGrace), message: message, reason: reason(why),
	}
	hooks := hook != nil && !killing.Hooked
	if hooks {
		k.task = fmt.Sprintf("run the preStop hook of container %s (%s)", c.Name, short(c.ID))
	} else {
		k.task = fmt.Sprintf("stop container %s (%s) within %s", c.Name, short(c.ID), grace)
	}
	if k.underWay = underWay(d.underWay(k.task)); k.underWay {
		d.plan.Because("waiting for this to end: " + k.task)
	}
	if hooks {
		d.do(&runPreStop{k, hook})
	} else {
		d.do(&stopContainer{k})
	}
}

// probeGrace is the grace for a container that a probe condemned.
func (d *decision) probeGrace(spec *corev1.Container, probe string) time.Duration {
	var own *corev1.Probe
	switch probe {
	case "liveness":
		own = spec.LivenessProbe
	case "startup":
		own = spec.StartupProbe
	}
	if own != nil && own.TerminationGracePeriodSeconds != nil {
		return time.Duration(*own.TerminationGracePeriodSeconds) * time.Second
	}
	return d.grace()
}

// preStop returns the hook of a container from the spec, or from what its annotations kept of it.
func preStop(pod *corev1.Pod, c *cri.Container) *corev1.LifecycleHandler {
	w := World{Pod: pod}
	if spec := w.spec(c.Name); spec != nil {
		if spec.Lifecycle == nil {
			return nil
		}
		return spec.Lifecycle.PreStop
	}
	kept := &corev1.LifecycleHandler{}
	if raw := c.Annotations[cri.AnnotationPreStop]; raw == "" || json.Unmarshal([]byte(raw), kept) != nil {
		return nil
	}
	return kept
}
