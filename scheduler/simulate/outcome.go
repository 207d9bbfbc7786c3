package simulate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/explain"
)

// mostExplained bounds how many refused pods are looked at again; a large file seldom has more owners.
const mostExplained = 20

// log remembers what the scheduler wrote, in order.
type log struct {
	mutex     sync.Mutex
	bound     []types.NamespacedName
	nominated []nomination
	evicted   []eviction
}

type nomination struct {
	pod  types.NamespacedName
	node string
}

type eviction struct {
	pod  types.NamespacedName
	node string
}

// note looks at one change of the copy.
func (l *log) note(resource schema.GroupVersionResource, old, now *unstructured.Unstructured) {
	if resource != pods || old == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	name := types.NamespacedName{Namespace: old.GetNamespace(), Name: old.GetName()}
	was := text(old, "spec", "nodeName")
	if now == nil {
		if was != "" {
			l.evicted = append(l.evicted, eviction{name, was})
		}
		return
	}
	if was == "" && text(now, "spec", "nodeName") != "" {
		l.bound = append(l.bound, name)
	}
	if node := text(now, "status", "nominatedNodeName"); node != "" && node != text(old, "status", "nominatedNodeName") {
		l.nominated = append(l.nominated, nomination{name, node})
	}
}

func text(object *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, path...)
	return value
}

// preempted returns the evicted pods by the pod that they made room for: the first that was nominated to their node and
// is on it, which is who waits for them.
func (l *log) preempted(nodeOf map[types.NamespacedName]string) map[types.NamespacedName][]string {
	result := map[types.NamespacedName][]string{}
	for _, gone := range l.evicted {
		for _, n := range l.nominated {
			if n.node == gone.node && nodeOf[n.pod] == gone.node {
				result[n.pod] = append(result[n.pod], gone.pod.String())
				break
			}
		}
	}
	return result
}

// decisions returns the pods that were bound, in the order of the attempts: bindings overtake each other.
func (l *log) decisions(s *scheduler.Scheduler) []types.NamespacedName {
	when := func(name types.NamespacedName) time.Time {
		record, _ := s.Explain(name.Namespace, name.Name)
		return record.When
	}
	ordered := slices.Clone(l.bound)
	slices.SortStableFunc(ordered, func(a, b types.NamespacedName) int { return when(a).Compare(when(b)) })
	return ordered
}

// outcome reads off the copy what became of the pods.
func (w *Simulation) outcome(ctx context.Context, s *scheduler.Scheduler, all []Pod) (*Outcome, error) {
	current, err := w.pods(ctx)
	if err != nil {
		return nil, err
	}
	w.log.mutex.Lock()
	defer w.log.mutex.Unlock()
	byName := map[types.NamespacedName]*corev1.Pod{}
	nodeOf := map[types.NamespacedName]string{}
	for _, pod := range current {
		name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
		byName[name], nodeOf[name] = pod, pod.Spec.NodeName
	}
	preempted := w.log.preempted(nodeOf)
	place := func(name types.NamespacedName) Placement {
		placement := Placement{Namespace: name.Namespace, Name: name.Name, Node: nodeOf[name], Preempts: preempted[name]}
		if pod := byName[name]; placement.Node == "" {
			placement.Message = why(pod)
		}
		return placement
	}
	outcome := &Outcome{}
	asked := map[types.NamespacedName]Pod{}
	for _, pod := range all {
		asked[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = pod
	}
	bound := sets.New(w.log.bound...)
	for _, name := range w.log.decisions(s) {
		if pod, ours := asked[name]; ours {
			placement := place(name)
			placement.Owner, placement.From = pod.Owner, pod.From
			outcome.Pods = append(outcome.Pods, placement)
		} else {
			outcome.Others = append(outcome.Others, place(name))
		}
	}
	for _, pod := range all {
		name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
		if !bound.Has(name) {
			placement := place(name)
			placement.Owner, placement.From = pod.Owner, pod.From
			outcome.Pods = append(outcome.Pods, placement)
		}
	}
	return outcome, nil
}

// why says why a pod has no node.
func why(pod *corev1.Pod) string {
	switch {
	case pod == nil:
		return "preempted by another pod"
	case refused(pod) != nil:
		return refused(pod).Message
	}
	return "held back, and not tried"
}

// explainRefused adds explanations, once an owner.
func (w *Simulation) explainRefused(ctx context.Context, s *scheduler.Scheduler, outcome *Outcome) error {
	byOwner := map[string]*explain.Explanation{}
	for i := range outcome.Pods {
		placement := &outcome.Pods[i]
		if placement.Node != "" {
			continue
		}
		owner := placement.Namespace + "/" + placement.Owner
		if placement.Owner == "" {
			owner += placement.Name
		}
		explanation, known := byOwner[owner]
		if !known && len(byOwner) < mostExplained {
			object, err := w.replica.Get(ctx, pods, types.NamespacedName{Namespace: placement.Namespace, Name: placement.Name})
			if err != nil {
				continue // It was preempted itself.
			}
			pod, err := typed(object)
			if err != nil {
				return err
			}
			if explanation, err = s.Examine(ctx, pod); err != nil {
				return err
			}
			byOwner[owner] = explanation
		}
		placement.Explanation = explanation
	}
	return nil
}

func typed(object *unstructured.Unstructured) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, pod); err != nil {
		return nil, fmt.Errorf("reading pod %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return pod, nil
}
