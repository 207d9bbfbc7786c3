package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

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
	Driver, Manager connection
	Audit           string // the path of what it writes down
}

// managerOrder is what a manager is told.
type managerOrder struct {
	Dir    string
	Server connection
	Limits bool
}

// managerReply is what it answers: nothing.
type managerReply struct{}

// connection is how to reach an API server.
type connection struct {
	Host  string
	CA    []byte
	Token string
}

// config returns a client configuration without a limit on requests.
func (c connection) config() *rest.Config {
	return &rest.Config{
		Host: c.Host, QPS: -1, BearerToken: c.Token, TLSClientConfig: rest.TLSClientConfig{CAData: c.CA},
		WarningHandler: rest.NoWarnings{}, // that Endpoints are deprecated is known
	}
}

// inProtobuf makes a client speak protobuf.
func inProtobuf(config *rest.Config) *rest.Config {
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}
