// Package probes asks running containers whether they have started, live, and are ready.
//
// It owns the schedule and the counting of results, both pure; the four ways of asking (exec, HTTP, TCP, gRPC); and the
// Manager, which keeps one timer for each probe of each running container, and nothing for a container without probes.
// Figures and messages are the kubelet's. It restarts nothing: a Verdict says which probe failed, and the pod loop acts.
package probes
