package naming

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/orrery-dev/orrery/framework/merge"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Bind assigns a pod to a node: by the binding subresource for a built-in Pod, and by a patch of spec.nodeName otherwise.
//
// Either way the pod is bound only if it is still the one with the UID, not being deleted, without scheduling gates and
// not assigned; otherwise the error is a Conflict. A pod that is gone is NotFound. A bound pod has the condition
// PodScheduled and no nominated node. Errors that pass soon are retried for about a second. When an answer is lost, the
// pod is read to see what came of it.
func Bind(ctx context.Context, c client.Client, pod client.Object, node string) error {
	builtIn, err := BuiltIn(c.Scheme(), pod)
	if err != nil {
		return fmt.Errorf("binding pod %s to node %s: %w", client.ObjectKeyFromObject(pod), node, err)
	}
	bind := bindBySubresource
	if !builtIn {
		bind = (&patching{}).bind
	}
	err = retry.OnError(retry.DefaultBackoff, passes, func() error { return bind(ctx, c, pod, node) })
	if err != nil {
		return fmt.Errorf("binding pod %s to node %s: %w", client.ObjectKeyFromObject(pod), node, err)
	}
	return nil
}

func bindBySubresource(ctx context.Context, c client.Client, pod client.Object, node string) error {
	err := c.SubResource("binding").Create(ctx, pod, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.GetNamespace(), Name: pod.GetName(), UID: pod.GetUID()},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	})
	if !isUnanswered(err) {
		return err
	}
	current := pod.DeepCopyObject().(client.Object)
	if c.Get(ctx, client.ObjectKeyFromObject(pod), current) == nil && current.GetUID() == pod.GetUID() && nodeOf(current) == node {
		return nil // It was the answer that was lost, and nothing else.
	}
	return err
}

// patching binds a pod by patches, of which one may have taken effect although its answer was lost.
type patching struct{ unanswered bool }

// bind locks on the version of the pod that was decided on, in which it could be bound. When the pod has changed since, the
// new version is looked at and locked on instead.
func (p *patching) bind(ctx context.Context, c client.Client, pod client.Object, node string) error {
	current := pod.DeepCopyObject().(client.Object)
	err := assign(ctx, c, current, pod.GetUID(), node)
	for range 3 {
		lost := isUnanswered(err)
		if !lost && !apierrors.IsConflict(err) {
			break
		}
		p.unanswered = p.unanswered || lost
		if err := c.Get(ctx, client.ObjectKeyFromObject(pod), current); err != nil {
			return err
		}
		if p.unanswered && current.GetUID() == pod.GetUID() && nodeOf(current) == node {
			err = nil // It was the answer that was lost, and nothing else.
			break
		}
		if lost {
			return err
		}
		if why := unbindable(current, pod.GetUID()); why != "" {
			return apierrors.NewConflict(schema.GroupResource{Resource: "pods/binding"}, pod.GetName(), fmt.Errorf("pod %s %s", pod.GetName(), why))
		}
		err = assign(ctx, c, current, pod.GetUID(), node)
	}
	if err != nil {
		return err
	}
	// The pod is bound. A custom resource's status is written by itself, and the pod's node agent sets the condition too, so
	// that failing here is no reason to undo anything.
	_ = markScheduled(ctx, c, current)
	return nil
}

// isUnanswered reports whether an error leaves open what the server did: it is none of the server's own, or the server's
// about itself.
func isUnanswered(err error) bool {
	if err == nil {
		return false
	}
	var status apierrors.APIStatus
	return !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError
}

func assign(ctx context.Context, c client.Client, pod client.Object, uid types.UID, node string) error {
	patch := merge.Fields(map[string]any{"spec": map[string]any{"nodeName": node}})
	return c.Patch(ctx, pod, patch.Locked(uid, pod.GetResourceVersion()))
}

// unbindable says why a pod cannot be bound, or "".
func unbindable(pod client.Object, uid types.UID) string {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return err.Error()
	}
	node := nodeOf(pod)
	gates, _, _ := unstructured.NestedSlice(content, "spec", "schedulingGates")
	switch {
	case pod.GetUID() != uid:
		return "has been replaced by another of the same name"
	case pod.GetDeletionTimestamp() != nil:
		return "is being deleted, cannot be assigned to a host"
	case node != "":
		return fmt.Sprintf("is already assigned to node %q", node)
	case len(gates) > 0:
		return "has non-empty .spec.schedulingGates"
	}
	return ""
}

// nodeOf returns the node that a pod is assigned to, or "".
func nodeOf(pod client.Object) string {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return ""
	}
	node, _, _ := unstructured.NestedString(content, "spec", "nodeName")
	return node
}

// markScheduled sets the condition PodScheduled and ends a nomination, as the binding subresource does.
func markScheduled(ctx context.Context, c client.Client, pod client.Object) error {
	return retry.OnError(retry.DefaultBackoff, passesOrConflicts, func() error {
		scheduled := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}
		conditions, _, err := withCondition(pod, scheduled, time.Now())
		if err != nil {
			return err
		}
		patch := merge.Fields(map[string]any{"status": map[string]any{"conditions": conditions, "nominatedNodeName": nil}})
		err = c.Status().Patch(ctx, pod, patch.Locked(pod.GetUID(), pod.GetResourceVersion()))
		if apierrors.IsConflict(err) {
			if err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
				return err
			}
		}
		return err
	})
}
