// Package upstream is Kubernetes' own API server, etcd and kubectl as commands of one binary.
//
// They are the unchanged programs with all of their flags, and know nothing of a control plane that Orrery runs: with
// `orrery etcd` and `orrery kube-apiserver` there is a plain cluster to try against, and `orrery kubectl` is a kubectl
// of the right version on a machine that has none.
//
// Each program is built only when its command runs, since building one has effects on the whole process: the API
// server installs signal handlers and kubectl replaces flag handling. For the same reason a command that has run does
// not return; it ends the process with the program's exit code. Signals that the process had taken before are given up
// first, so that a program ends by them as it does alone.
package upstream
