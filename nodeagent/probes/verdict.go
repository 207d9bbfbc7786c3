package probes

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Kind is which of a container's probes it is, as events spell it.
type Kind string

// The probes of a container.
const (
	Startup   Kind = "Startup"
	Liveness  Kind = "Liveness"
	Readiness Kind = "Readiness"
)

// Verdict is what the probes of one running container found.
type Verdict struct {
	// Started: the startup probe succeeded once, or there is none.
	Started bool
	// Ready: the readiness probe says so, or there is none and the container started.
	Ready bool
	// Failed is "liveness" or "startup" when that probe condemned the container, else "".
	Failed string
}

// Counter counts the results of one probe of one container. The zero value has none yet.
type Counter struct {
	// Successes and Failures count those in a row; one of them is zero.
	Successes, Failures int32
	// Passed and Condemned say which threshold was reached last.
	Passed, Condemned bool
}

// Record returns the counter after another result.
func (c Counter) Record(probe *corev1.Probe, success bool) Counter {
	if success {
		c.Successes, c.Failures = c.Successes+1, 0
		if c.Successes >= max(probe.SuccessThreshold, 1) {
			c.Passed, c.Condemned = true, false
		}
		return c
	}
	c.Successes, c.Failures = 0, c.Failures+1
	if c.Failures >= threshold(probe) {
		c.Passed, c.Condemned = false, true
	}
	return c
}

func threshold(probe *corev1.Probe) int32 {
	if probe.FailureThreshold == 0 {
		return 3
	}
	return probe.FailureThreshold
}

// Judge makes the verdict from the counters; a nil probe counts as passed.
func Judge(spec *corev1.Container, counters map[Kind]Counter) Verdict {
	startup, live, readiness := counters[Startup], counters[Liveness], counters[Readiness]
	v := Verdict{Started: spec.StartupProbe == nil || startup.Passed}
	v.Ready = v.Started && (spec.ReadinessProbe == nil || readiness.Passed)
	switch {
	case spec.StartupProbe != nil && startup.Condemned:
		v.Failed = "startup"
	case spec.LivenessProbe != nil && live.Condemned:
		v.Failed = "liveness"
	}
	return v
}

// Next returns when a probe is due: the initial delay after the container's start, then every period.
// A probe that has not passed yet after an agent's restart is due at once.
func Next(probe *corev1.Probe, started, last time.Time) time.Time {
	if last.IsZero() {
		return started.Add(time.Duration(probe.InitialDelaySeconds) * time.Second)
	}
	return last.Add(period(probe))
}

func period(probe *corev1.Probe) time.Duration {
	if probe.PeriodSeconds == 0 {
		return 10 * time.Second
	}
	return time.Duration(probe.PeriodSeconds) * time.Second
}

func timeout(probe *corev1.Probe) time.Duration {
	return max(time.Duration(probe.TimeoutSeconds)*time.Second, time.Second)
}

// of returns the container's probe of a kind, or nil.
func of(spec *corev1.Container, kind Kind) *corev1.Probe {
	switch kind {
	case Startup:
		return spec.StartupProbe
	case Liveness:
		return spec.LivenessProbe
	default:
		return spec.ReadinessProbe
	}
}
