package simulated

import (
	"context"
	"errors"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Streams is where simulated containers answer exec, attach and port-forward.
type Streams struct{}

var errNoStreams = errors.New("simulated containers have no streams here")

// Exec fails: nothing runs in a simulated container.
func (r *Runtime) Exec(context.Context, *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	return nil, errNoStreams
}

// Attach fails: nothing runs in a simulated container.
func (r *Runtime) Attach(context.Context, *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	return nil, errNoStreams
}

// PortForward fails: nothing runs in a simulated container.
func (r *Runtime) PortForward(context.Context, *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	return nil, errNoStreams
}
