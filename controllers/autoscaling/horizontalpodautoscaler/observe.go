package horizontalpodautoscaler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what is scaled, and how busy it is. What it does not take to decide is not read.
type world struct {
	// began is when this look at the autoscaler began.
	began time.Time
	// target is what is scaled.
	target scaletarget.Target
	// unscaled is why the target's scale could not be read; nil if it could.
	unscaled error
	// selector selects the target's pods; nil if unselected says why it does not, or no metrics are needed.
	selector   labels.Selector
	unselected error
	// pods are those that it selects. They are shared with others, and must not be changed.
	pods []*corev1.Pod
	// rivals are other autoscalers that scale what pods of these belong to, by name.
	rivals []string
	// readings are what the metrics APIs say, of each metric that is asked about in its order; none where none are needed, or
	// there are rivals.
	readings []reading
	// memory is what the last plan left; nil for the first.
	memory *memory
}

// Observe reads the scale of the target, its pods, and what the metrics APIs say.
func (c Controller) Observe(ctx context.Context, view loop.View, hpa *oautoscalingv2.HorizontalPodAutoscaler) (world, error) {
	w := world{began: view.Now()}
	w.memory, _ = view.Remembered(client.ObjectKeyFromObject(hpa)).(*memory)
	if w.target, w.unscaled = targetOf(ctx, view, hpa); w.unscaled != nil {
		return w, ctx.Err() // of a process that ends nothing is told
	}
	if countOf(hpa, w.target.Wanted()) != byMetrics {
		return w, nil
	}
	if w.selector, w.unselected = selectorOf(ctx, view, hpa, w.target); w.unselected != nil {
		return w, nil //nolint:nilerr // it is told in the status
	}
	if err := w.readPods(ctx, view, hpa); err != nil {
		return w, err
	}
	if len(w.rivals) > 0 {
		return w, nil
	}
	r := newReader(c.options, hpa.Namespace, w.selector)
	for _, metric := range metricsOf(hpa) {
		began := view.Now()
		read := r.read(ctx, metric)
		read.took = view.Now().Sub(began)
		w.readings = append(w.readings, read)
	}
	return w, ctx.Err()
}

func targetOf(ctx context.Context, view loop.View, hpa *oautoscalingv2.HorizontalPodAutoscaler) (scaletarget.Target, error) {
	ref := hpa.Spec.ScaleTargetRef
	if _, err := schema.ParseGroupVersion(ref.APIVersion); err != nil {
		return scaletarget.Target{}, mistake{err}
	}
	return scaletarget.Read(ctx, view, hpa.Namespace, scaletarget.Reference{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name})
}

// readPods reads the pods of the target, and who else scales what they belong to.
func (w *world) readPods(ctx context.Context, view loop.View, hpa *oautoscalingv2.HorizontalPodAutoscaler) error {
	var pods ocorev1.PodList
	if err := view.List(ctx, &pods, client.InNamespace(hpa.Namespace), client.MatchingLabelsSelector{Selector: w.selector}, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the pods that HorizontalPodAutoscaler %s/%s scales: %w", hpa.Namespace, hpa.Name, err)
	}
	for i := range pods.Items {
		w.pods = append(w.pods, (*corev1.Pod)(&pods.Items[i]))
	}
	slices.SortFunc(w.pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	var all oautoscalingv2.HorizontalPodAutoscalerList
	if err := view.List(ctx, &all, client.InNamespace(hpa.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the HorizontalPodAutoscalers of namespace %s: %w", hpa.Namespace, err)
	}
	labelled := distinct(w.pods)
	for i := range all.Items {
		other := &all.Items[i]
		left, _ := view.Remembered(client.ObjectKeyFromObject(other)).(*memory)
		if other.Name != hpa.Name && scales(other, left, hpa, labelled) {
			w.rivals = append(w.rivals, other.Name)
		}
	}
	slices.Sort(w.rivals)
	return nil
}

// scales reports that another autoscaler scales what pods of an autoscaler belong to, of which the labels are given: it has the same
// target, or what it left says that it selects one of them.
func scales(other *oautoscalingv2.HorizontalPodAutoscaler, left *memory, hpa *oautoscalingv2.HorizontalPodAutoscaler, labelled []labels.Set) bool {
	if other.Spec.ScaleTargetRef == hpa.Spec.ScaleTargetRef {
		return len(labelled) > 0
	}
	return left != nil && left.selector != nil && slices.ContainsFunc(labelled, func(l labels.Set) bool { return left.selector.Matches(l) })
}

// distinct are the labels of pods, those of many that have the same once.
func distinct(pods []*corev1.Pod) []labels.Set {
	var sets []labels.Set
	for _, pod := range pods {
		if !slices.ContainsFunc(sets, func(l labels.Set) bool { return labels.Equals(l, pod.Labels) }) {
			sets = append(sets, pod.Labels)
		}
	}
	return sets
}
