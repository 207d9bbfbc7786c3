package dynamicresources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	typedresourcev1 "k8s.io/client-go/kubernetes/typed/resource/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// A claim that was made is known here as soon as a watch shows it. Until then its devices count under the claim that it
// was planned as, and no longer than this is waited.
const (
	newClaimLooks = 20 * time.Millisecond
	newClaimWait  = 2 * time.Minute
)

// write records in a claim that the pod uses it and, unless allocation is nil, its devices. It returns the claim as
// written. The claim given is tried first, and the newest one after a conflict.
func (p *Plugin) write(ctx context.Context, claim *resourcev1.ResourceClaim, allocation *resourcev1.AllocationResult, pod *corev1.Pod) (
	*resourcev1.ResourceClaim, error,
) {
	claims := p.client.ResourceV1().ResourceClaims(claim.Namespace)
	var written *resourcev1.ResourceClaim
	current := claim.DeepCopy()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		if current == nil {
			if current, err = claims.Get(ctx, claim.Name, metav1.GetOptions{}); err != nil {
				return fmt.Errorf("get updated claim %s after conflict: %w", klog.KObj(claim), err)
			}
		}
		written, err = p.writeOnce(ctx, claims, current, claim.UID, allocation, pod)
		current = nil // Another try begins with the newest.
		return err
	})
	return written, err
}

// writeOnce changes claim on its way.
func (p *Plugin) writeOnce(ctx context.Context, claims typedresourcev1.ResourceClaimInterface, claim *resourcev1.ResourceClaim, uid types.UID,
	allocation *resourcev1.AllocationResult, pod *corev1.Pod,
) (written *resourcev1.ResourceClaim, err error) {
	name, doing := klog.KObj(claim), "add reservation to"
	if claim.DeletionTimestamp != nil || claim.UID != uid {
		return nil, fmt.Errorf("claim %s got deleted in the meantime", name)
	}
	if allocation != nil {
		doing = "add allocation and reservation to"
		if claim.Status.Allocation != nil && !same(claim.Status.Allocation, allocation) {
			return nil, fmt.Errorf("claim %s got allocated elsewhere in the meantime", name)
		}
		if addFinalizer(claim) { // It is no part of the status, and has to be there first.
			if claim, err = claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
				return nil, fmt.Errorf("add finalizer to claim %s: %w", name, err)
			}
		}
		if claim.Status.Allocation == nil {
			claim.Status.Allocation = allocation.DeepCopy()
		}
	}
	if claim.Status.Allocation == nil {
		return nil, fmt.Errorf("claim %s got deallocated elsewhere in the meantime", name)
	}
	if claim.Status.Allocation.AllocationTimestamp == nil {
		claim.Status.Allocation.AllocationTimestamp = new(metav1.Now())
	}
	if !resourceclaim.IsReservedForPod(pod, claim, false) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor, resourcev1.ResourceClaimConsumerReference{
			APIGroup: p.pods.Kind.Group, Resource: "pods", Name: pod.Name, UID: pod.UID,
		})
	}
	if written, err = claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("%s claim %s: %w", doing, name, err)
	}
	return written, nil
}

// same reports whether two allocations are of the same devices. So they are when a pod of the same group was faster, or
// when an answer got lost.
func same(a, b *resourcev1.AllocationResult) bool {
	return equality.Semantic.DeepEqual(a.Devices, b.Devices)
}

// create makes the claim that a plan has for extended resources.
func (p *Plugin) create(ctx context.Context, planned *resourcev1.ResourceClaim) (*resourcev1.ResourceClaim, error) {
	claim := planned.DeepCopy()
	claim.Name, claim.UID = "", ""
	created, err := p.client.ResourceV1().ResourceClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	metrics.ClaimCreated(err)
	if err != nil {
		return nil, fmt.Errorf("create claim for extended resources %v: %w", klog.KObj(planned), err)
	}
	return created, nil
}

// assume makes what was written known before a watch shows it. Where that fails, something newer is known.
func (p *Plugin) assume(ctx context.Context, written *resourcev1.ResourceClaim) {
	if err := p.known.ResourceClaims().AssumeClaimAfterAPICall(written); err != nil {
		klog.FromContext(ctx).V(5).Info("Claim is not assumed", "resourceClaim", klog.KObj(written), "reason", err)
	}
}

// assumeNew is assume for a claim that may not be known yet.
func (p *Plugin) assumeNew(ctx context.Context, written *resourcev1.ResourceClaim) {
	err := wait.PollUntilContextTimeout(ctx, newClaimLooks, newClaimWait, true, func(context.Context) (bool, error) {
		err := p.known.ResourceClaims().AssumeClaimAfterAPICall(written)
		if unknown := (dra.NotFoundError{}); errors.As(err, &unknown) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		klog.FromContext(ctx).V(5).Info("New claim is not assumed", "resourceClaim", klog.KObj(written), "reason", err)
	}
}

// unreserve removes the pod from a claim's users, whatever else has changed in the claim.
func (p *Plugin) unreserve(ctx context.Context, claim *resourcev1.ResourceClaim, pod *corev1.Pod) error {
	type object = map[string]any
	patch, err := json.Marshal(object{
		"metadata": object{"uid": claim.UID},
		"status":   object{"reservedFor": []any{object{"$patch": "delete", "uid": pod.UID}}},
	})
	if err != nil {
		return fmt.Errorf("unreserving claim %s: %w", klog.KObj(claim), err)
	}
	_, err = p.client.ResourceV1().ResourceClaims(claim.Namespace).
		Patch(ctx, claim.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("unreserving claim %s: %w", klog.KObj(claim), err)
	}
	return nil
}

// remove deletes a claim that the scheduler made. It has no user, so that nothing has to be kept for one.
func (p *Plugin) remove(ctx context.Context, claim *resourcev1.ResourceClaim) error {
	claims := p.client.ResourceV1().ResourceClaims(claim.Namespace)
	current := claim.DeepCopy()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		if current == nil {
			if current, err = claims.Get(ctx, claim.Name, metav1.GetOptions{}); err != nil {
				return fmt.Errorf("get resourceclaim %s: %w", klog.KObj(claim), err)
			}
		}
		without := slices.DeleteFunc(current.Finalizers, func(f string) bool { return f == resourcev1.Finalizer })
		if len(without) == len(current.Finalizers) {
			return nil
		}
		current.Finalizers = without
		_, err = claims.Update(ctx, current, metav1.UpdateOptions{})
		current = nil
		if err != nil {
			return fmt.Errorf("update resourceclaim %s: %w", klog.KObj(claim), err)
		}
		return nil
	})
	if err == nil {
		err = claims.Delete(ctx, claim.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(claim.UID))})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting claim %s: %w", klog.KObj(claim), err)
	}
	return nil
}
