package main

import (
	"fmt"
	"io"

	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/bench/internal/child"
)

// The roles of child processes. The two schedulers are what is compared: on an API server, or in the cycle alone.
const (
	roleServer = "server"
	ours       = "ours"
	upstream   = "upstream"
	ofCycle    = "-cycle"
)

// play is the whole life of a child.
func play(role string) error {
	klog.LogToStderr(false) // errors go there still
	klog.SetOutput(io.Discard)
	switch role {
	case roleServer:
		return child.Play(serve)
	case ours:
		return child.Play(scheduleOurs)
	case upstream:
		return child.Play(scheduleUpstream)
	case ours + ofCycle:
		return child.Play(cycleOurs)
	case upstream + ofCycle:
		return child.Play(cycleUpstream)
	}
	return fmt.Errorf("%q is no role of a child", role)
}

// serverOrder is what an API server is told.
type serverOrder struct {
	Dir   string          // for files, removed afterwards
	Gates map[string]bool // Kubernetes features that are switched
}

// serverReply is what it answers: how the benchmark and a scheduler connect.
type serverReply struct {
	Admin, Worker access.Access
}

// schedulerOrder is what a scheduler is told that works on an API server.
type schedulerOrder struct {
	Server access.Access
	Gates  map[string]bool
}

// schedulerReply is what it answers: nothing.
type schedulerReply struct{}
