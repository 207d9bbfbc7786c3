// Package status computes the status of a pod.
//
// It is pure: from the pod, what the runtime says, what the probes found and what the agent remembers, Compute makes the
// exact PodStatus, with upstream's phases, conditions, reasons and messages. Conditions which other controllers own are
// kept as they are. It never reads a clock, and never writes anything.
//
// A phase that is terminal stays: a pod never leaves Succeeded or Failed.
package status
