package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/simulated"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// calls is how a call that changes something is made, which may go wrong.
type calls func(what string, do func() error) error

// reliable makes every call.
func reliable(_ string, do func() error) error { return do() }

// server stands for an API server that can be away. It is the edge of our code, and nothing of it is under test.
type server struct {
	calls
	pods map[types.UID]*corev1.Pod
	down bool
	// wrong is told what must never be done.
	wrong func(what string)
}

var errAway = errors.New("the API server is away")

func (s *server) WriteStatus(_ context.Context, pod *corev1.Pod, wanted *corev1.PodStatus) error {
	if s.down {
		return errAway
	}
	return s.calls("writing the status of pod "+pod.Name, func() error {
		if found := s.pods[pod.UID]; found != nil {
			updated := found.DeepCopy()
			updated.Status = *wanted.DeepCopy()
			s.pods[pod.UID] = updated
			if why := untrue(updated); why != "" {
				s.wrong(why)
			}
		}
		return nil
	})
}

func (s *server) Delete(_ context.Context, pod *corev1.Pod) error {
	if s.down {
		return errAway
	}
	return s.calls("removing pod "+pod.Name, func() error {
		if found := s.pods[pod.UID]; found != nil {
			for _, c := range found.Status.ContainerStatuses {
				if c.State.Running != nil {
					s.wrong("pod " + pod.Name + " was removed while its status said that it runs")
				}
			}
		}
		delete(s.pods, pod.UID)
		return nil
	})
}

// frailRuntime is a runtime whose calls may go wrong.
type frailRuntime struct {
	*simulated.Runtime
	calls
	wrong func(what string)
	// held are the addresses for which network policies hold.
	held map[string]bool
	// groups are the limits of pods' control groups.
	groups map[types.UID]cgroups.Limits
}

// protect has network policies hold, which may go wrong.
func (r frailRuntime) protect(_ context.Context, _ *corev1.Pod, ips []string) error {
	return r.calls("having network policies hold", func() error {
		for _, ip := range ips {
			r.held[ip] = true
		}
		return nil
	})
}

func (r frailRuntime) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (id string, err error) {
	err = r.calls("creating a sandbox", func() error {
		id, err = r.Runtime.RunPodSandbox(ctx, config, handler)
		return err
	})
	return id, err
}

func (r frailRuntime) StopPodSandbox(ctx context.Context, id string) error {
	return r.calls("stopping a sandbox", func() error {
		containers, err := r.ListContainers(ctx, &runtimeapi.ContainerFilter{PodSandboxId: id})
		if err != nil {
			return err
		}
		for _, c := range containers {
			if c.State == runtimeapi.ContainerState_CONTAINER_RUNNING {
				r.wrong("sandbox " + id + " was stopped under container " + c.Metadata.Name)
			}
		}
		if status, err := r.PodSandboxStatus(ctx, id, false); err == nil {
			delete(r.held, status.GetStatus().GetNetwork().GetIp()) // the next pod may get it
		}
		return r.Runtime.StopPodSandbox(ctx, id)
	})
}

func (r frailRuntime) RemovePodSandbox(ctx context.Context, id string) error {
	return r.calls("removing a sandbox", func() error { return r.Runtime.RemovePodSandbox(ctx, id) })
}

func (r frailRuntime) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, pod *runtimeapi.PodSandboxConfig) (id string, err error) {
	err = r.calls("creating a container", func() error {
		status, err := r.PodSandboxStatus(ctx, sandbox, false)
		if err != nil {
			return err
		}
		id, err = r.Runtime.CreateContainer(ctx, sandbox, config, pod)
		if ip := status.GetStatus().GetNetwork().GetIp(); err == nil && !r.held[ip] { // in a sandbox that died none is made
			r.wrong("container " + config.Metadata.Name + " was made at " + ip + " before network policies held")
		}
		return err
	})
	return id, err
}

func (r frailRuntime) StartContainer(ctx context.Context, id string) error {
	return r.calls("starting a container", func() error { return r.Runtime.StartContainer(ctx, id) })
}

func (r frailRuntime) StopContainer(ctx context.Context, id string, timeout int64) error {
	return r.calls("stopping a container", func() error { return r.Runtime.StopContainer(ctx, id, timeout) })
}

func (r frailRuntime) RemoveContainer(ctx context.Context, id string) error {
	return r.calls("removing a container", func() error { return r.Runtime.RemoveContainer(ctx, id) })
}

// plainHost has no disk.
type plainHost struct{}

func (plainHost) Prepare(context.Context, *corev1.Pod, cgroups.Limits, []string) error { return nil }
func (plainHost) CleanUp(context.Context, *corev1.Pod) error                           { return nil }
func (plainHost) RemoveLogs(*corev1.Pod) error                                         { return nil }
func (plainHost) ListPodsFromDisk() ([]string, error)                                  { return nil, nil }
func (plainHost) ReadTerminationMessages([]cri.Container)                              {}
func (plainHost) Credentials(context.Context, *corev1.Pod, string) ([]*runtimeapi.AuthConfig, error) {
	return nil, nil
}

func (plainHost) PrepareClaims(context.Context, *corev1.Pod) error      { return nil }
func (plainHost) Assigned(*corev1.Pod) bool                             { return true }
func (plainHost) Assign(context.Context, *corev1.Pod) *status.Failure   { return nil }
func (plainHost) Health(*corev1.Pod) map[string][]corev1.ResourceStatus { return nil }

func (plainHost) RuntimeHandler(context.Context, *corev1.Pod) (string, error) { return "", nil }

func (plainHost) Sandbox(_ context.Context, pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, error) {
	annotations := map[string]string{cri.AnnotationAllocation: Allocation(pod)}
	maps.Copy(annotations, pod.Annotations)
	return &runtimeapi.PodSandboxConfig{
		Metadata:    &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID)},
		Labels:      map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelPodName: pod.Name, cri.LabelPodNamespace: pod.Namespace},
		Annotations: annotations,
	}, nil
}

func (plainHost) Container(_ context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error) {
	return &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: spec.Name, Attempt: uint32(of.Restarts)},
		Image:    &runtimeapi.ImageSpec{Image: of.Image, UserSpecifiedImage: spec.Image},
		Labels:   map[string]string{cri.LabelPodUID: string(pod.UID), cri.LabelContainerName: spec.Name},
		Annotations: map[string]string{
			cri.AnnotationRestartCount: fmt.Sprint(of.Restarts), cri.AnnotationHash: Hash(spec),
			cri.AnnotationResources: AmountsOf(pod, spec).Annotation(),
		},
		Linux: &runtimeapi.LinuxContainerConfig{Resources: plainHost{}.Resources(pod, AmountsOf(pod, spec))},
	}, nil
}

// preparedHost has no disk, but knows for which pods it would have something there.
type preparedHost struct {
	plainHost
	calls
	prepared map[types.UID]bool
	// groups are the limits of pods' control groups, and checkpoints what was written for them. Both outlive the agent.
	groups      map[types.UID]cgroups.Limits
	checkpoints map[types.UID][]byte
	used        map[types.UID]int64
	// assigned are the pods that have what they are to have for themselves; nil if pods are to have nothing.
	assigned map[types.UID]bool
	wrong    func(what string)
}

func (h preparedHost) Prepare(_ context.Context, pod *corev1.Pod, group cgroups.Limits, _ []string) error {
	h.prepared[pod.UID], h.groups[pod.UID] = true, group
	return nil
}

func (h preparedHost) CleanUp(_ context.Context, pod *corev1.Pod) error {
	delete(h.prepared, pod.UID)
	delete(h.assigned, pod.UID)
	delete(h.groups, pod.UID)
	delete(h.checkpoints, pod.UID)
	return nil
}

func (h preparedHost) Assigned(pod *corev1.Pod) bool { return h.assigned == nil || h.assigned[pod.UID] }

func (h preparedHost) Assign(_ context.Context, pod *corev1.Pod) *status.Failure {
	if h.prepared[pod.UID] {
		h.wrong("pod " + pod.Name + " was prepared before it was let in")
	}
	h.assigned[pod.UID] = true
	return nil
}

func (h preparedHost) RemoveLogs(pod *corev1.Pod) error {
	if h.prepared[pod.UID] {
		h.wrong("pod " + pod.Name + " was forgotten before it was cleaned up")
	}
	return nil
}

func (h preparedHost) Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error) {
	if !h.prepared[pod.UID] {
		h.wrong("container " + spec.Name + " of pod " + pod.Name + " was made without its volumes")
	}
	if !h.Assigned(pod) {
		h.wrong("container " + spec.Name + " of pod " + pod.Name + " was made without what it is to have for itself")
	}
	return h.plainHost.Container(ctx, pod, spec, of)
}
