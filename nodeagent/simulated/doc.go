// Package simulated is a container runtime that runs nothing.
//
// A Runtime answers the calls of nodeagent/cri in process, so the same agent that drives containerd drives it: pods get
// sandboxes and addresses, images are pulled, containers start, run, crash and end, each stage with a delay and a chance to fail,
// set for the whole runtime (Stages) or for one pod by annotations. What containers use of CPU and memory, from level to level as
// time goes, is set in the same way. It needs neither root nor Linux, keeps a few hundred bytes per container, and starts no
// goroutine: a thousand nodes fit into one process.
//
// It promises CRI's rules: a container cannot be created in a sandbox that is not ready, removing a sandbox removes its
// containers, stopping twice is fine, an exited container stays until it is removed. It never touches the machine.
package simulated
