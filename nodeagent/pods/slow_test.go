package pods

import (
	"context"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

// single is a runtime that fails the test when a container is made or started while it runs or starts already.
type single struct {
	*simulated.Runtime
	t *testing.T
	// stubborn: a call that was begun goes on although nobody waits for it any more.
	stubborn bool

	mu   sync.Mutex
	busy map[string]bool // the containers that are being made or started, each as UID/NAME
}

func (r *single) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (id string, err error) {
	r.alone(config.Labels[cri.LabelPodUID]+"/"+config.Metadata.Name, func() {
		if r.stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		id, err = r.Runtime.CreateContainer(ctx, sandbox, config, pod)
	})
	return id, err
}

func (r *single) StartContainer(ctx context.Context, id string) error {
	found, err := r.ContainerStatus(ctx, id, false)
	if err != nil {
		return err
	}
	r.alone(found.Status.Labels[cri.LabelPodUID]+"/"+found.Status.Metadata.Name, func() {
		if r.stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		err = r.Runtime.StartContainer(ctx, id)
	})
	return err
}

// alone fails the test unless the container neither runs nor starts when something is done that makes it.
func (r *single) alone(container string, do func()) {
	r.mu.Lock()
	if r.busy[container] {
		r.t.Errorf("container %s is made or started twice at once", container)
	}
	r.busy[container] = true
	r.mu.Unlock()
	containers, _ := r.ListContainers(context.Background(), nil) // none while it is away
	for _, c := range containers {
		if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING && c.Labels[cri.LabelPodUID]+"/"+c.Metadata.Name == container {
			r.t.Errorf("container %s is made or started while %s runs", container, c.Id)
		}
	}
	do()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, container)
}

// slowHooks take as long as a hook's sleep.
type slowHooks struct {
	mu  sync.Mutex
	ran map[string]int // by container ID
}

func (h *slowHooks) Run(ctx context.Context, _ *corev1.Pod, id string, hook *corev1.LifecycleHandler, _ []string) error {
	h.mu.Lock()
	h.ran[id]++
	h.mu.Unlock()
	select {
	case <-time.After(time.Duration(hook.Sleep.Seconds) * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
