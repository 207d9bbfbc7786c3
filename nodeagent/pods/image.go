package pods

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// image is what a container is made of.
type image struct {
	reference string
	user      ImageUser
}

// wanted is an image that a container needs: to run it, or to mount it.
type wanted struct {
	name   string
	policy corev1.PullPolicy
	volume string // "" if it is run
}

// imagesOf are the images that a container of a pod needs: its own, and those that it mounts as volumes.
func imagesOf(pod *corev1.Pod, container *corev1.Container) []wanted {
	all := []wanted{{name: container.Image, policy: PullPolicy(container)}}
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		mounted := slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume.Name })
		if volume.Image != nil && volume.Image.Reference != "" && mounted {
			all = append(all, wanted{volume.Image.Reference, policyFor(volume.Image.PullPolicy, volume.Image.Reference), volume.Name})
		}
	}
	return all
}

// images returns what to run and the references of what to mount, by volume, after they were pulled where their policies ask for that.
func (s *startContainer) images(ctx context.Context, a *actor, sandbox *runtimeapi.PodSandboxConfig) (run image, mount map[string]string, err error) {
	for _, w := range imagesOf(a.pod(), s.container) {
		found, err := s.image(ctx, a, w, sandbox)
		if err != nil {
			return image{}, nil, err
		}
		if w.volume == "" {
			run = found
		} else {
			put(&mount, w.volume, found.reference)
		}
	}
	return run, mount, nil
}

func (s *startContainer) image(ctx context.Context, a *actor, w wanted, sandbox *runtimeapi.PodSandboxConfig) (image, error) {
	spec := &runtimeapi.ImageSpec{Image: w.name, UserSpecifiedImage: w.name}
	present, err := a.Runtime.ImageStatus(ctx, spec, false)
	if err != nil {
		message := fmt.Sprintf("Failed to inspect image %q: %v", w.name, err)
		s.warn(ctx, a, "InspectFailed", message)
		return image{}, s.refuse(ctx, a, failed("ImageInspectError", errors.New(message)))
	}
	if w.policy == corev1.PullNever && present.GetImage() == nil {
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", w.name)
		s.warn(ctx, a, "ErrImageNeverPull", message)
		return image{}, s.refuse(ctx, a, failed("ErrImageNeverPull", errors.New(message)))
	}
	if w.policy != corev1.PullAlways && present.GetImage() != nil {
		a.event(s.container.Name, corev1.EventTypeNormal, "Pulled",
			fmt.Sprintf("Container image %q already present on machine and can be accessed by the pod", w.name))
		return image{present.GetImage().GetId(), userOf(present.GetImage())}, nil
	}
	return s.pull(ctx, a, spec, sandbox)
}

func (s *startContainer) pull(ctx context.Context, a *actor, spec *runtimeapi.ImageSpec, sandbox *runtimeapi.PodSandboxConfig) (image, error) {
	name, begun := spec.Image, a.Clock.Now()
	a.event(s.container.Name, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", name))
	reference, err := a.pullAny(ctx, spec, sandbox)
	if err != nil {
		if ctx.Err() == nil {
			a.remember(func(m *Memory) {
				now := a.Clock.Now()
				put(&m.Pulls, name, PullFailure{Error: err.Error(), At: now, BackOff: m.Pulls[name].BackOff.Next(now, now, 0)})
			})
		}
		s.warn(ctx, a, "Failed", fmt.Sprintf("Failed to pull image %q: %v", name, err))
		s.warn(ctx, a, "Failed", "Error: ErrImagePull")
		return image{}, failed("ErrImagePull", err)
	}
	a.remember(func(m *Memory) { delete(m.Pulls, name) })
	pulled, err := a.Runtime.ImageStatus(ctx, &runtimeapi.ImageSpec{Image: reference}, false)
	if err != nil {
		return image{}, s.refuse(ctx, a, failed("ImageInspectError", fmt.Errorf("Failed to inspect image %q: %w", name, err))) //nolint:staticcheck // the kubelet's words
	}
	took := a.Clock.Now().Sub(begun)
	a.event(s.container.Name, corev1.EventTypeNormal, "Pulled",
		fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.", name, took, took, pulled.GetImage().GetSize()))
	return image{reference, userOf(pulled.GetImage())}, nil
}

// userOf is whom the image runs as. One that names nobody runs as root.
func userOf(found *runtimeapi.Image) ImageUser {
	if found.GetUid() == nil {
		return ImageUser{Name: found.GetUsername()}
	}
	return ImageUser{UID: found.GetUid().GetValue()}
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
	return policyFor(container.ImagePullPolicy, container.Image)
}

// policyFor is what was asked for, or the server's default for an image.
func policyFor(asked corev1.PullPolicy, name string) corev1.PullPolicy {
	if asked != "" {
		return asked
	}
	_, last, _ := cutLast(name, "/")
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
