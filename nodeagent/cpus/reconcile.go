package cpus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// Updater is what is asked of the runtime.
type Updater interface {
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	UpdateContainerResources(ctx context.Context, id string, resources *runtimeapi.ContainerResources) error
}

// Reconciler has running containers follow the shared pool.
type Reconciler struct {
	Manager *Manager
	Runtime Updater
	// Agent marks the containers of the node.
	Agent string
	// Every is how often it is looked whether all have what they are to have, besides at each change.
	Every time.Duration
	Clock clock.Clock
	Log   logr.Logger

	// told are the CPUs that the runtime was told last, by the containers' IDs.
	told map[string]string
}

// Run works until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	timer := r.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		case <-r.Manager.changed:
		}
		if err := r.Reconcile(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error(err, "Having containers run on their CPUs")
		}
		timer.Reset(r.Every)
	}
}

// Reconcile has each running container run on the CPUs that it is to have. One that cannot be told now is told the next time.
func (r *Reconciler) Reconcile(ctx context.Context) error {
	containers, err := r.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{
		LabelSelector: map[string]string{cri.LabelAgent: r.Agent},
		State:         &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	})
	if err != nil {
		return fmt.Errorf("listing containers: %w", err)
	}
	told := map[string]string{}
	var errs []error
	for _, c := range containers {
		wanted := r.Manager.Of(c.GetLabels()[cri.LabelPodUID], c.GetMetadata().GetName()).String()
		if r.told[c.GetId()] != wanted {
			resources := &runtimeapi.ContainerResources{Linux: &runtimeapi.LinuxContainerResources{CpusetCpus: wanted}}
			if err := r.Runtime.UpdateContainerResources(ctx, c.GetId(), resources); err != nil {
				errs = append(errs, fmt.Errorf("moving container %s to CPUs %s: %w", c.GetMetadata().GetName(), wanted, err))
				continue
			}
		}
		told[c.GetId()] = wanted
	}
	r.told = told
	return errors.Join(errs...)
}
