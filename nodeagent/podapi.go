package nodeagent

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// podAPI writes pods by the client of a naming.
type podAPI struct {
	client client.Client
	// mirrorOf is the mirror of a static pod, nil if there is none. It is nil where there are no static pods.
	mirrorOf func(pod *corev1.Pod) *corev1.Pod

	// written holds what the last write of a pod returned, until the watch has caught up with it.
	mu      sync.Mutex
	written map[types.UID]*ocorev1.Pod
}

var _ pods.API = (*podAPI)(nil)

// conflicts is how often a write is tried against a pod that others write to as well.
const conflicts = 5

// WriteStatus implements pods.API. That of a static pod is its mirror's.
func (a *podAPI) WriteStatus(ctx context.Context, pod *corev1.Pod, wanted *corev1.PodStatus) error {
	if status.Static(pod) {
		if pod = a.mirrorOf(pod); pod == nil {
			return nil
		}
	}
	base := a.newest(pod)
	for range conflicts {
		updated := base.DeepCopy()
		updated.Status = owned(&base.Status, wanted)
		if status.Same(&updated.Status, &base.Status) {
			return nil
		}
		patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
		err := a.client.Status().Patch(ctx, updated, patch)
		switch {
		case err == nil:
			a.keep(updated)
			return nil
		case apierrors.IsNotFound(err):
			return nil
		case !apierrors.IsConflict(err):
			return fmt.Errorf("patching the status of pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		base = &ocorev1.Pod{}
		err = a.client.Get(ctx, client.ObjectKeyFromObject(pod), base)
		if apierrors.IsNotFound(err) || err == nil && base.UID != pod.UID {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
	}
	return fmt.Errorf("patching the status of pod %s/%s: it was changed by others %d times meanwhile", pod.Namespace, pod.Name, conflicts)
}

// owned is the wanted status with the conditions that others have on the pod now.
func owned(now, wanted *corev1.PodStatus) corev1.PodStatus {
	merged := *wanted.DeepCopy()
	merged.Conditions = nil
	var ours []corev1.PodCondition
	for i := range wanted.Conditions {
		if status.Writes(&wanted.Conditions[i]) {
			ours = append(ours, wanted.Conditions[i])
		}
	}
	for _, condition := range now.Conditions {
		replaced := slices.ContainsFunc(ours, func(c corev1.PodCondition) bool { return c.Type == condition.Type })
		if !status.Owned(condition.Type) && !replaced {
			merged.Conditions = append(merged.Conditions, condition)
		}
	}
	merged.Conditions = append(merged.Conditions, ours...)
	merged.NominatedNodeName, merged.Resize, merged.ResourceClaimStatuses = now.NominatedNodeName, now.Resize, now.ResourceClaimStatuses
	return merged
}

// Delete implements pods.API.
func (a *podAPI) Delete(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	err := a.client.Delete(ctx, (*ocorev1.Pod)(pod.DeepCopy()), &client.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if apierrors.IsConflict(err) && a.replaced(ctx, pod) {
		return nil
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return nil
}

// replaced says whether the API server has no such pod any more, or another one of its name. A conflict alone does not say
// so: it may as well have been about a change by somebody else.
func (a *podAPI) replaced(ctx context.Context, pod *corev1.Pod) bool {
	now := &ocorev1.Pod{}
	err := a.client.Get(ctx, client.ObjectKeyFromObject(pod), now)
	return apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID
}

// newest returns the pod as it was written or seen last.
func (a *podAPI) newest(pod *corev1.Pod) *ocorev1.Pod {
	a.mu.Lock()
	defer a.mu.Unlock()
	written := a.written[pod.UID]
	if written == nil || older(written.ResourceVersion, pod.ResourceVersion) {
		return (*ocorev1.Pod)(pod)
	}
	return written
}

func (a *podAPI) keep(pod *ocorev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pod.ManagedFields = nil
	a.written[pod.UID] = pod
}

// seen drops what is remembered of a pod once the watch tells as much.
func (a *podAPI) seen(uid types.UID, resourceVersion string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if written := a.written[uid]; written != nil && !older(resourceVersion, written.ResourceVersion) {
		delete(a.written, uid)
	}
}

// gone drops what is remembered of a pod that was deleted.
func (a *podAPI) gone(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.written, uid)
}

// older says whether resourceVersion a is before b. Versions that cannot be compared count as older: the other one is used.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order < 0
}
