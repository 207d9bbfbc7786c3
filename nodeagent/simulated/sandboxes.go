package simulated

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// RunPodSandbox makes a ready sandbox with an address, unless it is on the host's network.
func (r *Runtime) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, _ string) (string, error) {
	stages, err := r.options.Stages.with(config.GetAnnotations(), "")
	if err != nil {
		return "", err
	}
	if err := r.stage(ctx, stages.Sandbox); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	made := &sandbox{id: r.id(), config: config, created: r.clock.Now()}
	if config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() != runtimeapi.NamespaceMode_NODE {
		if made.ip = r.address(); !made.ip.IsValid() {
			return "", fmt.Errorf("allocating an address: all of %s are in use", r.options.PodCIDR)
		}
	}
	r.sandboxes[made.id] = made
	return made.id, nil
}

// StopPodSandbox ends what runs in the sandbox. One that is not there is no error.
func (r *Runtime) StopPodSandbox(ctx context.Context, id string) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.sandboxes[id]
	if !ok {
		return nil
	}
	for _, c := range r.containers {
		if c.sandbox == found && c.state == runtimeapi.ContainerState_CONTAINER_RUNNING {
			r.exit(c, 137, "Error")
		}
	}
	r.stop(found)
	return nil
}

func (r *Runtime) stop(s *sandbox) {
	s.stopped = true
	delete(r.ips, s.ip)
}

// RemovePodSandbox removes the sandbox and its containers. One that is not there is no error.
func (r *Runtime) RemovePodSandbox(ctx context.Context, id string) error {
	if err := r.StopPodSandbox(ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.containers {
		if c.sandbox.id == id {
			r.forget(c)
		}
	}
	delete(r.sandboxes, id)
	return nil
}

// PodSandboxStatus reads one sandbox.
func (r *Runtime) PodSandboxStatus(ctx context.Context, id string, _ bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sandboxes[id]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "sandbox %s does not exist", id)
	}
	answer := &runtimeapi.PodSandboxStatus{
		Id: id, Metadata: s.config.GetMetadata(), State: s.state(), CreatedAt: s.created.UnixNano(),
		Labels: s.config.GetLabels(), Annotations: s.config.GetAnnotations(), Network: &runtimeapi.PodSandboxNetworkStatus{},
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{
			Options: s.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
	}
	if s.ip.IsValid() && !s.stopped {
		answer.Network.Ip = s.ip.String()
	}
	return &runtimeapi.PodSandboxStatusResponse{Status: answer}, nil
}

// ListPodSandbox lists the sandboxes which the filter matches.
func (r *Runtime) ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*runtimeapi.PodSandbox
	for _, s := range r.sandboxes {
		if !matches(filter.GetLabelSelector(), s.config.GetLabels()) || filter.GetId() != "" && filter.GetId() != s.id ||
			filter.GetState() != nil && filter.GetState().GetState() != s.state() {
			continue
		}
		found = append(found, &runtimeapi.PodSandbox{
			Id: s.id, Metadata: s.config.GetMetadata(), State: s.state(), CreatedAt: s.created.UnixNano(),
			Labels: s.config.GetLabels(), Annotations: s.config.GetAnnotations(),
		})
	}
	return found, nil
}

func (s *sandbox) state() runtimeapi.PodSandboxState {
	if s.stopped {
		return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
	}
	return runtimeapi.PodSandboxState_SANDBOX_READY
}

func (s *sandbox) podUID() string { return s.config.GetLabels()[cri.LabelPodUID] }

// KillSandbox ends a sandbox and all that runs in it, as if its processes had died.
func (r *Runtime) KillSandbox(id string) {
	r.mu.Lock()
	found, ok := r.sandboxes[id]
	if ok {
		for _, c := range r.containers {
			if c.sandbox == found && c.state == runtimeapi.ContainerState_CONTAINER_RUNNING {
				r.exit(c, 137, "Error")
			}
		}
		r.stop(found)
	}
	r.mu.Unlock()
	if ok {
		r.tell(found.podUID())
	}
}
