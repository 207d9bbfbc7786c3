package resourcequota

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// settling is how long what the admission has charged is given to be seen.
	settling = time.Second
	// patience is for how long counting is put off at most while the admission goes on charging.
	patience = 5 * time.Second
)

// world is what there is of what a quota counts.
type world struct {
	// putOff is how long to wait before anything is counted; if above 0, nothing has been read.
	putOff time.Duration

	pods     []ocorev1.Pod
	services []ocorev1.Service
	claims   []ocorev1.PersistentVolumeClaim
	// objects are how many there are of other resources, 0 for none. What is not there could not be counted.
	objects map[schema.GroupResource]int
	// uncounted is why resources could not be counted.
	uncounted map[schema.GroupResource]string
	// failed are the errors among these reasons: another look may find what they are about.
	failed []error
}

// Observe reads what the quota counts.
func (c Controller) Observe(ctx context.Context, view loop.View, quota *corev1.ResourceQuota) (world, error) {
	w := world{objects: map[schema.GroupResource]int{}, uncounted: map[schema.GroupResource]string{}}
	if w.putOff = putOff(view, quota); w.putOff > 0 {
		return w, nil
	}
	for _, resource := range slices.SortedFunc(maps.Keys(resourcesOf(quota)), byName) {
		if err := c.read(ctx, view, resource, quota.Namespace, &w); err != nil {
			return w, fmt.Errorf("listing %s of namespace %s: %w", resource, quota.Namespace, err)
		}
	}
	return w, nil
}

func byName(a, b schema.GroupResource) int { return strings.Compare(a.String(), b.String()) }

// putOff is how long to wait with counting.
func putOff(view loop.View, quota *corev1.ResourceQuota) time.Duration {
	changed := view.Since("version", quota.ResourceVersion)
	left := changed.Add(settling).Sub(view.Now())
	if left <= 0 || !same(quota.Spec.Hard, quota.Status.Hard) {
		return 0
	}
	end := view.Since("counting", "put off").Add(patience).Sub(view.Now())
	if end <= 0 {
		view.Since("counting", "due") // so that the next time begins anew
		return 0
	}
	return min(left, end)
}

// read reads what there is of a resource.
func (c Controller) read(ctx context.Context, view loop.View, resource schema.GroupResource, namespace string, w *world) error {
	in := []client.ListOption{client.InNamespace(namespace), client.UnsafeDisableDeepCopy} // nothing of it is changed
	switch resource {
	case pods:
		var list ocorev1.PodList
		err := view.List(ctx, &list, in...)
		w.pods = list.Items
		return err
	case services:
		var list ocorev1.ServiceList
		err := view.List(ctx, &list, in...)
		w.services = list.Items
		return err
	case claims:
		var list ocorev1.PersistentVolumeClaimList
		err := view.List(ctx, &list, in...)
		w.claims = list.Items
		return err
	}
	kind, known, err := c.known.find(ctx, resource)
	switch {
	case err != nil:
		w.fail(resource, err)
	case !known:
		w.uncounted[resource] = "the API server has no such kind that can be counted"
	default:
		w.count(ctx, view, resource, kind, in)
	}
	return nil
}

// count reads how many objects there are. That they cannot be read holds up no other resource.
func (w *world) count(ctx context.Context, view loop.View, resource schema.GroupResource, kind kinds.Kind, in []client.ListOption) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := view.List(ctx, list, in...); err != nil {
		w.fail(resource, err)
		return
	}
	w.objects[resource] = len(list.Items)
}

// fail notes that a resource could not be counted, though it may be.
func (w *world) fail(resource schema.GroupResource, err error) {
	w.uncounted[resource] = err.Error()
	w.failed = append(w.failed, fmt.Errorf("counting %s: %w", resource, err))
}
