package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func (s *StartContainer) start(ctx context.Context, a *actor) error {
	sandbox, _, err := a.Host.Sandbox(ctx, a.pod())
	if err != nil {
		return s.refuse(a, failed("CreateContainerConfigError", err))
	}
	image, err := s.image(ctx, a, sandbox)
	if err != nil {
		return err
	}
	config, err := a.Host.Container(ctx, a.pod(), s.Container, ContainerOf{Restarts: s.Restarts, Image: image, IPs: a.world.podIPs()})
	if err != nil {
		return s.refuse(a, failed("CreateContainerConfigError", err))
	}
	config.Labels[cri.LabelAgent] = a.Agent
	id, err := a.Runtime.CreateContainer(ctx, s.SandboxID, config, sandbox)
	if err != nil {
		return s.refuse(a, failed("CreateContainerError", err))
	}
	a.event(s.Container.Name, corev1.EventTypeNormal, "Created", "Container created")
	if err := a.Runtime.StartContainer(ctx, id); err != nil {
		return s.refuse(a, failed("RunContainerError", err))
	}
	a.event(s.Container.Name, corev1.EventTypeNormal, "Started", "Container started")
	return s.postStart(ctx, a, id)
}

// refuse records the error as an event.
func (s *StartContainer) refuse(a *actor, why *startError) error {
	a.event(s.Container.Name, corev1.EventTypeWarning, "Failed", "Error: "+why.Message)
	return why
}

// postStart runs the hook; a container whose hook fails is stopped.
func (s *StartContainer) postStart(ctx context.Context, a *actor, id string) error {
	if s.Container.Lifecycle == nil || s.Container.Lifecycle.PostStart == nil {
		return nil
	}
	err := a.Hooks.Run(ctx, a.pod(), id, s.Container.Lifecycle.PostStart, a.world.podIPs())
	if err == nil {
		return nil
	}
	a.event(s.Container.Name, corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed")
	stop := Stop{ID: id, Name: s.Container.Name, Grace: a.world.grace(), Message: "FailedPostStartHook"}
	if stopping := stop.do(context.WithoutCancel(ctx), a); stopping != nil {
		err = errors.Join(err, stopping)
	}
	return failed("PostStartHookError", err)
}

// image returns the reference to run, after it was pulled where the policy asks for that.
func (s *StartContainer) image(ctx context.Context, a *actor, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	name := s.Container.Image
	spec := &runtimeapi.ImageSpec{Image: name, UserSpecifiedImage: name}
	present, err := a.Runtime.ImageStatus(ctx, spec, false)
	if err != nil {
		message := fmt.Sprintf("Failed to inspect image %q: %v", name, err)
		a.event(s.Container.Name, corev1.EventTypeWarning, "InspectFailed", message)
		return "", s.refuse(a, failed("ImageInspectError", errors.New(message)))
	}
	policy := PullPolicy(s.Container)
	if policy == corev1.PullNever && present.GetImage() == nil {
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", name)
		a.event(s.Container.Name, corev1.EventTypeWarning, "ErrImageNeverPull", message)
		return "", s.refuse(a, failed("ErrImageNeverPull", errors.New(message)))
	}
	if policy != corev1.PullAlways && present.GetImage() != nil {
		a.event(s.Container.Name, corev1.EventTypeNormal, "Pulled",
			fmt.Sprintf("Container image %q already present on machine and can be accessed by the pod", name))
		return present.GetImage().GetId(), nil
	}
	return s.pull(ctx, a, spec, sandbox)
}

func (s *StartContainer) pull(ctx context.Context, a *actor, spec *runtimeapi.ImageSpec, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	name, begun := s.Container.Image, a.clock.Now()
	a.event(s.Container.Name, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", name))
	reference, err := a.pullAny(ctx, spec, sandbox)
	if err != nil {
		if ctx.Err() == nil {
			a.remember(func(m *Memory) {
				now := a.clock.Now()
				put(&m.Pulls, name, PullFailure{Error: err.Error(), At: now, BackOff: m.Pulls[name].BackOff.Next(now, now)})
			})
		}
		a.event(s.Container.Name, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %v", name, err))
		a.event(s.Container.Name, corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
		return "", failed("ErrImagePull", err)
	}
	a.remember(func(m *Memory) { delete(m.Pulls, name) })
	size := uint64(0)
	if pulled, err := a.Runtime.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: reference}, false); err == nil {
		size = pulled.GetImage().GetSize()
	}
	took := a.clock.Now().Sub(begun)
	a.event(s.Container.Name, corev1.EventTypeNormal, "Pulled",
		fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.", name, took, took, size))
	return reference, nil
}

// pullAny tries the pull with each of the pod's credentials for that registry, or without any.
func (a *actor) pullAny(ctx context.Context, spec *runtimeapi.ImageSpec, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	credentials, err := a.Host.Credentials(ctx, a.pod(), spec.Image)
	if err != nil {
		a.event("", corev1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
			fmt.Sprintf("Unable to retrieve some image pull secrets (%v); attempting to pull the image may not succeed.", err))
	}
	if len(credentials) == 0 {
		return a.Runtime.PullImage(ctx, spec, nil, sandbox)
	}
	var errs []error
	for _, auth := range credentials {
		reference, err := a.Runtime.PullImage(ctx, spec, auth, sandbox)
		if err == nil {
			return reference, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// PullPolicy is the container's policy, or the server's default for its image.
func PullPolicy(container *corev1.Container) corev1.PullPolicy {
	if container.ImagePullPolicy != "" {
		return container.ImagePullPolicy
	}
	_, last, _ := cutLast(container.Image, "/")
	if _, tag, tagged := strings.Cut(last, ":"); !strings.Contains(last, "@") && (!tagged || tag == "latest") {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return "", s, false
}
