package main

import (
	"fmt"

	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/bench/internal/child"
)

// The roles of child processes. The two managers are what is compared.
const (
	roleServer = "server"
	ours       = "ours"
	upstream   = "upstream"
)

// play is the whole life of a child.
func play(role string) error {
	switch role {
	case roleServer:
		return child.Play(serve)
	case ours:
		return child.Play(manageOurs)
	case upstream:
		return child.Play(manageUpstream)
	}
	return fmt.Errorf("%q is no role of a child", role)
}

// serverOrder is what an API server is told.
type serverOrder struct {
	Dir string // for files, removed afterwards
}

// serverReply is what it answers.
type serverReply struct {
	Driver, Manager access.Access
	Audit           string // the path of what it writes down
}

// managerOrder is what a manager is told.
type managerOrder struct {
	Dir    string
	Server access.Access
	Limits bool
}

// managerReply is what it answers: nothing.
type managerReply struct{}
