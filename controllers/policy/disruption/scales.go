package disruption

import (
	"context"
	"errors"
	"fmt"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	"github.com/orrery-dev/orrery/framework/loop"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scalesOf are the replicas that the controllers of pods ask for. A pod whose controller has no scale, or is gone, is an error.
func scalesOf(ctx context.Context, view loop.View, pods []*ocorev1.Pod) (map[types.UID]int32, error) {
	scales, seen := map[types.UID]int32{}, map[types.UID]bool{}
	for _, pod := range pods {
		owner := metav1.GetControllerOfNoCopy(pod)
		if owner == nil || seen[owner.UID] {
			continue
		}
		seen[owner.UID] = true
		uid, replicas, err := scaleOf(ctx, view, pod, owner)
		if err != nil {
			return nil, err
		}
		scales[uid] = replicas
	}
	return scales, nil
}

// scaleOf is what the controller of a pod asks for; of a ReplicaSet of a Deployment, what the Deployment does.
func scaleOf(ctx context.Context, view loop.View, pod *ocorev1.Pod, owner *metav1.OwnerReference) (types.UID, int32, error) {
	var set oappsv1.ReplicaSet
	found, err := known(ctx, view, pod.Namespace, owner, "ReplicaSet", &set)
	if found || err != nil {
		above := metav1.GetControllerOfNoCopy(&set)
		if err != nil || above == nil {
			return set.UID, ptr.Deref(set.Spec.Replicas, 1), err
		}
		var deployment oappsv1.Deployment
		if found, err := known(ctx, view, pod.Namespace, above, "Deployment", &deployment); found || err != nil {
			return deployment.UID, ptr.Deref(deployment.Spec.Replicas, 1), err
		}
		return scaled(ctx, view, pod, owner)
	}
	var stateful oappsv1.StatefulSet
	if found, err := known(ctx, view, pod.Namespace, owner, "StatefulSet", &stateful); found || err != nil {
		return stateful.UID, ptr.Deref(stateful.Spec.Replicas, 1), err
	}
	var rc ocorev1.ReplicationController
	if found, err := known(ctx, view, pod.Namespace, owner, "ReplicationController", &rc); found || err != nil {
		return rc.UID, ptr.Deref(rc.Spec.Replicas, 1), err
	}
	return scaled(ctx, view, pod, owner)
}

// known reads an owner from the cache, where it is of a kind and there. Its UID says that it is the one: under both namings.
func known(ctx context.Context, read client.Reader, namespace string, owner *metav1.OwnerReference, kind string, into client.Object) (bool, error) {
	if owner.Kind != kind {
		return false, nil
	}
	err := read.Get(ctx, client.ObjectKey{Namespace: namespace, Name: owner.Name}, into)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading %s %s/%s: %w", kind, namespace, owner.Name, err)
	}
	return err == nil && into.GetUID() == owner.UID, nil
}

// scaled asks the API server for the scale of an owner of any kind.
func scaled(ctx context.Context, view loop.View, pod *ocorev1.Pod, owner *metav1.OwnerReference) (types.UID, int32, error) {
	target, err := scaletarget.Read(ctx, view, pod.Namespace, scaletarget.Reference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name})
	switch {
	case err != nil:
		return "", 0, unscaled(pod, owner, err)
	case target.UID() != owner.UID:
		return "", 0, noController(pod)
	default:
		return target.UID(), target.Wanted(), nil
	}
}

// unscaled is why the scale of a pod's controller is not known, in Kubernetes' words. Where the server names the controller as what it
// did not find, that is gone; else it is the path, and the kind has no scale. Of a custom resource it says either in the same way.
func unscaled(pod *ocorev1.Pod, owner *metav1.OwnerReference, err error) error {
	var answer apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &answer) {
		return err
	}
	details := answer.Status().Details
	if details != nil && details.Name != "" && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return noController(pod)
	}
	resource, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind))
	return fmt.Errorf("%s does not implement the scale subresource", resource.GroupResource())
}

func noController(pod *ocorev1.Pod) error {
	return fmt.Errorf("found no controllers for pod %q", pod.Name)
}
