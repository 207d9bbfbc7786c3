package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Bounds of the search for pods that are in the way.
const (
	nodesToEmpty  = 100
	victimsToName = 3
)

// nearest looks for ways to make the pod fit on the nodes that are nearest to it.
func (e *examiner) nearest(ctx context.Context, refused []refusedNode) ([]Miss, error) {
	var misses []Miss
	for _, node := range refused[:min(nearestMisses, len(refused))] {
		miss := Miss{Node: node.name()}
		for _, refusal := range node.refusals {
			miss.Refusals = append(miss.Refusals, Saying{refusal.status.Plugin(), refusal.Text})
		}
		phrase, err := e.tried(ctx, node)
		if err != nil {
			return nil, err
		}
		if phrase != "" {
			miss.Remedies = append(miss.Remedies, phrase)
		}
		misses = append(misses, miss)
	}
	return e.withVictims(ctx, misses, refused), nil
}

// tried makes all changes that the plugins want, on copies, and returns them in words if the pod then fits.
func (e *examiner) tried(ctx context.Context, refused refusedNode) (string, error) {
	pod, node := e.pod.DeepCopy(), refused.node.Node().DeepCopy()
	var phrases []string
	for _, refusal := range refused.refusals {
		if len(refusal.Remedies) == 0 {
			return "", nil
		}
		for _, remedy := range refusal.Remedies {
			if remedy.Pod != nil {
				remedy.Pod(pod)
			}
			if remedy.Node != nil {
				remedy.Node(node)
			}
			if !slices.Contains(phrases, remedy.Phrase) {
				phrases = append(phrases, remedy.Phrase)
			}
		}
	}
	var others []*corev1.Pod
	for _, other := range refused.node.GetPods() {
		others = append(others, other.GetPod())
	}
	info := nodeinfo.ForNode(node, others...)
	examined, err := e.profile.Examine(ctx, framework.NewCycleState(false), pod, []fwk.NodeInfo{info})
	if err != nil || len(examined.Feasible) == 0 {
		return "", err
	}
	return spoken(phrases), nil
}

// spoken joins "with a", "with b" and "once c" to "with a and b, once c".
func spoken(phrases []string) string {
	var with, others []string
	for _, phrase := range phrases {
		if rest, found := strings.CutPrefix(phrase, "with "); found {
			with = append(with, rest)
		} else {
			others = append(others, phrase)
		}
	}
	if len(with) > 0 {
		list := strings.Join(with, " and ")
		if last := len(with) - 1; last > 1 {
			list = strings.Join(with[:last], ", ") + " and " + with[last]
		}
		others = append([]string{"with " + list}, others...)
	}
	return strings.Join(others, ", ")
}

// withVictims adds the node that the fewest pods of lower priority would have to leave.
func (e *examiner) withVictims(ctx context.Context, misses []Miss, refused []refusedNode) []Miss {
	var best refusedNode
	var fewest []fwk.PodInfo
	looked := 0
	for _, node := range refused {
		if !node.emptying() {
			continue
		}
		if looked++; looked > nodesToEmpty {
			break
		}
		victims := e.victims(ctx, node.node)
		if len(victims) > 0 && (fewest == nil || len(victims) < len(fewest)) {
			best, fewest = node, victims
		}
	}
	if fewest == nil {
		return misses
	}
	phrase := e.gone(fewest)
	for i := range misses {
		if misses[i].Node == best.name() {
			misses[i].Remedies = append(misses[i].Remedies, phrase)
			return misses
		}
	}
	miss := Miss{Node: best.name(), Remedies: []string{phrase}}
	for _, refusal := range best.refusals {
		miss.Refusals = append(miss.Refusals, Saying{refusal.status.Plugin(), refusal.Text})
	}
	return append(misses, miss)
}

// emptying reports whether the departure of pods may make a node fit.
func (r refusedNode) emptying() bool {
	return !slices.ContainsFunc(r.refusals, func(refusal refusal) bool { return refusal.status.Code() != fwk.Unschedulable })
}

// victims returns the pods of lower priority without which the pod would fit on the node, as few as stay when those of
// higher priority are put back first. Nil means that it would not, or needs none.
func (e *examiner) victims(ctx context.Context, node fwk.NodeInfo) []fwk.PodInfo {
	var lower []fwk.PodInfo
	for _, other := range node.GetPods() {
		if schedulinghelpers.PodPriority(other.GetPod()) < schedulinghelpers.PodPriority(e.pod) {
			lower = append(lower, other)
		}
	}
	if len(lower) == 0 || !e.profile.Fits(ctx, e.state, e.pod, node, lower) {
		return nil
	}
	slices.SortStableFunc(lower, func(a, b fwk.PodInfo) int {
		return cmp.Or(cmp.Compare(schedulinghelpers.PodPriority(b.GetPod()), schedulinghelpers.PodPriority(a.GetPod())),
			cmp.Compare(a.GetPod().Name, b.GetPod().Name))
	})
	for i := 0; i < len(lower); {
		without := slices.Delete(slices.Clone(lower), i, i+1)
		if e.profile.Fits(ctx, e.state, e.pod, node, without) {
			lower = without
		} else {
			i++
		}
	}
	return lower
}

// gone says which pods would have to go.
func (e *examiner) gone(victims []fwk.PodInfo) string {
	var names []string
	for _, victim := range victims[:min(len(victims), victimsToName)] {
		names = append(names, klog.KObj(victim.GetPod()).String())
	}
	if more := len(victims) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	noun := "pod"
	if len(victims) > 1 {
		noun = "pods"
	}
	return fmt.Sprintf("if %d %s of priority < %d went (%s)", len(victims), noun, schedulinghelpers.PodPriority(e.pod), strings.Join(names, ", "))
}
