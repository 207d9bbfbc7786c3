package pods

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// features are what the handler of the pod can do, asked of the runtime where the container wants what not every runtime can; nil
// otherwise. What the runtime as a whole cannot do is an error.
func (a *actor) features(ctx context.Context, container *corev1.Container) (*runtimeapi.RuntimeHandlerFeatures, error) {
	strict := strictGroups(a.pod())
	if !strict && !recursive(container) { // users of its own are asked for when the sandbox is made
		return nil, nil //nolint:nilnil // it wants nothing
	}
	response, err := a.Runtime.Status(ctx, false)
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking the runtime for its features: %w", err)
	case strict && !response.GetFeatures().GetSupplementalGroupsPolicy():
		return nil, errors.New("SupplementalGroupsPolicy=Strict is not supported in this node")
	}
	name, err := a.Host.RuntimeHandler(ctx, a.pod())
	if err != nil {
		return nil, err
	}
	return featuresOf(response, name), nil
}

// ownUsers says why a pod cannot have users of its own, if it wants that.
func (a *actor) ownUsers(ctx context.Context, handler string) error {
	if users := a.pod().Spec.HostUsers; users == nil || *users {
		return nil
	}
	response, err := a.Runtime.Status(ctx, false)
	switch {
	case err != nil:
		return fmt.Errorf("asking the runtime for its features: %w", err)
	case featuresOf(response, handler).GetUserNamespaces():
		return nil
	case handler != "":
		return fmt.Errorf("can't set `spec.hostUsers: false`, RuntimeClass handler %q does not support user namespaces", handler)
	default:
		return errors.New("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
	}
}

// featuresOf are what a handler can do; nothing where the runtime does not tell.
func featuresOf(response *runtimeapi.StatusResponse, name string) *runtimeapi.RuntimeHandlerFeatures {
	for _, handler := range response.GetRuntimeHandlers() {
		if handler.GetName() == name && handler.GetFeatures() != nil {
			return handler.GetFeatures()
		}
	}
	return &runtimeapi.RuntimeHandlerFeatures{}
}

func strictGroups(pod *corev1.Pod) bool {
	security := pod.Spec.SecurityContext
	return security != nil && security.SupplementalGroupsPolicy != nil && *security.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict
}

// recursive says whether a container asks that what is mounted below a volume be read-only as well.
func recursive(container *corev1.Container) bool {
	return slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.RecursiveReadOnly != nil && *m.RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled
	})
}
