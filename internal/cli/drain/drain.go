package drain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// pause is how long it takes until pods are looked at again; kubectl drain has 5 s for those that a budget holds.
const pause = time.Second

// Node drains a node, until no pod is left that has to go or ctx ends. say is told of each pod that has been asked to go.
func Node(ctx context.Context, api kubernetes.Interface, name string, say func(string)) error {
	cordon := []byte(`{"spec":{"unschedulable":true}}`)
	if _, err := api.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, cordon, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("keeping new pods from node %s: %w", name, err)
	}
	asked := map[types.UID]bool{}
	var held error
	for {
		left, err := podsOn(ctx, api, name)
		if err == nil && len(left) == 0 {
			return nil
		}
		if err == nil {
			held = evictAll(ctx, api, left, asked, say)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("draining node %s: %s", name, remaining(left, errors.Join(err, held)))
		case <-time.After(pause):
		}
	}
}

// Uncordon lets a node take new pods again.
func Uncordon(ctx context.Context, api kubernetes.Interface, name string) error {
	uncordon := []byte(`{"spec":{"unschedulable":null}}`)
	if _, err := api.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, uncordon, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("letting node %s take pods again: %w", name, err)
	}
	return nil
}

// podsOn are the pods of a node that have to go.
func podsOn(ctx context.Context, api kubernetes.Interface, node string) ([]*corev1.Pod, error) {
	all, err := api.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", node).String(),
	})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of node %s: %w", node, err)
	}
	var left []*corev1.Pod
	for i := range all.Items {
		if pod := &all.Items[i]; pod.Spec.NodeName == node && !stays(pod) {
			left = append(left, pod)
		}
	}
	return left, nil
}

// stays reports that a pod belongs to its node.
func stays(pod *corev1.Pod) bool {
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return true
	}
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "DaemonSet" && (strings.HasPrefix(owner.APIVersion, "apps/") || strings.HasPrefix(owner.APIVersion, "apps.orrery.dev/"))
}

// evictAll asks each of some pods to go that has not been. The error says what holds the others.
func evictAll(ctx context.Context, api kubernetes.Interface, pods []*corev1.Pod, asked map[types.UID]bool, say func(string)) error {
	var errs []error
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil || asked[pod.UID] {
			continue
		}
		err := api.CoreV1().Pods(pod.Namespace).EvictV1(ctx, &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))},
		})
		switch {
		case err == nil:
			asked[pod.UID] = true
			say(fmt.Sprintf("pod %s/%s is evicted", pod.Namespace, pod.Name))
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // it is gone, or another has its name
		default: // most often a budget, which may allow it later
			errs = append(errs, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
		}
	}
	return errors.Join(errs...)
}

// remaining says which pods are left, and what holds them.
func remaining(pods []*corev1.Pod, err error) string {
	if err != nil {
		return "these did not go: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Namespace+"/"+pod.Name)
	}
	return "these have been evicted, and are not gone yet: " + strings.Join(names, ", ")
}
