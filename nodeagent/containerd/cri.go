package containerd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// dial connects to a CRI endpoint, lazily: the first call waits for the server.
func dial(endpoint string) (*grpc.ClientConn, error) {
	return grpc.NewClient(endpoint,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // a socket that only root can open
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 500 * time.Millisecond},
		}),
	)
}

// waitReady asks until the runtime says that it is ready.
func waitReady(ctx context.Context, endpoint string) error {
	connection, err := dial(endpoint)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // nothing is under way on it
	runtime := runtimeapi.NewRuntimeServiceClient(connection)
	for {
		last := runtimeReady(ctx, runtime)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// runtimeReady says why the runtime is not ready, or nil.
func runtimeReady(ctx context.Context, runtime runtimeapi.RuntimeServiceClient) error {
	answer, err := runtime.Status(ctx, &runtimeapi.StatusRequest{})
	if err != nil {
		return fmt.Errorf("asking for its status: %w", err)
	}
	for _, condition := range answer.GetStatus().GetConditions() {
		if condition.GetType() == runtimeapi.RuntimeReady {
			if condition.GetStatus() {
				return nil
			}
			return fmt.Errorf("it is not ready: %s: %s", condition.GetReason(), condition.GetMessage())
		}
	}
	return errors.New("it does not say whether it is ready")
}

// sideBySide is how many pods are stopped at once.
const sideBySide = 16

// StopPods stops every pod sandbox of a runtime with its containers, whoever made them. Containers are asked to end, and killed after
// grace. What they leave stays: how they ended and their logs, for whoever asks when the runtime is there again.
func (r *Runtime) StopPods(ctx context.Context, grace time.Duration) error {
	return r.eachPod(ctx, "stopping", func(ctx context.Context, runtime runtimeapi.RuntimeServiceClient, id string) error {
		if err := stopContainers(ctx, runtime, id, grace); err != nil {
			return err
		}
		_, err := runtime.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: id})
		return err
	})
}

// removePods removes every pod sandbox with its containers, which are killed at once.
func (r *Runtime) removePods(ctx context.Context) error {
	return r.eachPod(ctx, "removing", func(ctx context.Context, runtime runtimeapi.RuntimeServiceClient, id string) error {
		if _, err := runtime.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: id}); err != nil {
			return err
		}
		_, err := runtime.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: id})
		return err
	})
}

// eachPod does something with every pod sandbox.
func (r *Runtime) eachPod(ctx context.Context, doing string, do func(ctx context.Context, runtime runtimeapi.RuntimeServiceClient, id string) error) error {
	connection, err := dial(r.Endpoint())
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // nothing is under way on it
	runtime := runtimeapi.NewRuntimeServiceClient(connection)
	sandboxes, err := runtime.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{})
	if err != nil {
		return fmt.Errorf("listing pod sandboxes: %w", err)
	}
	errs := make([]error, len(sandboxes.GetItems()))
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i, sandbox := range sandboxes.GetItems() {
		group.Go(func() error {
			if err := do(ctx, runtime, sandbox.GetId()); err != nil {
				name := strings.Join([]string{sandbox.GetMetadata().GetNamespace(), sandbox.GetMetadata().GetName()}, "/")
				errs[i] = fmt.Errorf("%s the sandbox of pod %s: %w", doing, name, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs: one pod's is no reason to leave another
	return errors.Join(errs...)
}

// stopContainers asks the running containers of a sandbox to end, all at once.
func stopContainers(ctx context.Context, runtime runtimeapi.RuntimeServiceClient, sandbox string, grace time.Duration) error {
	containers, err := runtime.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{
		PodSandboxId: sandbox,
		State:        &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	var stopping errgroup.Group
	for _, container := range containers.GetContainers() {
		stopping.Go(func() error {
			_, err := runtime.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: container.GetId(), Timeout: int64(grace.Seconds())})
			return err
		})
	}
	return stopping.Wait()
}
