// Package cli is the orrery command: it wires the parts of the project together, and is the only place that does.
//
// Each command is a file. The ones that act on an instance on this machine (up, down, status, logs, reset, image) find it
// by --data-dir and --name; the ones that run a single part (manager, scheduler, node, apiserver) work on any cluster by
// --kubeconfig. up runs the same parts, all in one process: instance is where they live, plane runs them, progress shows
// them.
//
// An error that reaches a person says what, where, why and what to do, once; the exit code is 1.
package cli
