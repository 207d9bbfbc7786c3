package topologycount

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// PodsWith is the pods in some namespaces that have one of some values of a label.
type PodsWith struct {
	Namespaces []string
	Label      string
	Values     []string
}

// podIndex knows which nodes have pods with a value of a label, so that a query that is made for the first time looks at no
// others. It knows the labels that queries were about, which are few: pods are told apart by the same ones again and again.
// It is brought up to date when such a query comes, and costs nothing otherwise.
type podIndex struct {
	version     int64
	generations []int64         // by slot
	pods        [][]fwk.PodInfo // by slot: those that are in the index
	labels      map[string]labelIndex
}

// labelIndex has the slots of the nodes with pods, and how many these are.
type labelIndex map[podValue]map[int32]int

// podValue is a pod's value of the label that an index is of.
type podValue struct{ namespace, value string }

// mostLabels is how many labels are indexed. One more, and all are forgotten.
const mostLabels = 32

func newPodIndex() podIndex {
	return podIndex{version: never, labels: map[string]labelIndex{}}
}

// slots returns the slots of the nodes that have pods of each of the kinds, and maybe of some that have not. There must be
// a kind.
func (x *podIndex) slots(r *nodeList, kinds []PodsWith) []int32 {
	x.update(r)
	var best []map[int32]int
	for i := range kinds {
		found := x.label(kinds[i].Label).find(&kinds[i])
		if i == 0 || size(found) < size(best) {
			best = found
		}
	}
	var slots []int32
	for _, each := range best {
		slots = slices.AppendSeq(slots, maps.Keys(each))
	}
	if len(best) > 1 {
		slices.Sort(slots)
		slots = slices.Compact(slots)
	}
	return slots
}

func size(of []map[int32]int) (sum int) {
	for _, each := range of {
		sum += len(each)
	}
	return sum
}

// label returns the index of a label.
func (x *podIndex) label(name string) labelIndex {
	if known, found := x.labels[name]; found {
		return known
	}
	if len(x.labels) == mostLabels {
		clear(x.labels)
	}
	added := labelIndex{}
	for slot, pods := range x.pods {
		for _, pod := range pods {
			added.count(name, int32(slot), pod.GetPod(), +1)
		}
	}
	x.labels[name] = added
	return added
}

// update looks at the pods of the nodes that changed.
func (x *podIndex) update(r *nodeList) {
	for len(x.generations) < len(r.generations) {
		x.generations = append(x.generations, 0)
		x.pods = append(x.pods, nil)
	}
	r.stale(x.version, x.generations, func(slot int32) {
		x.generations[slot] = r.generations[slot]
		var pods []fwk.PodInfo
		if info := r.info(slot); info != nil {
			pods = info.GetPods()
		}
		x.replace(slot, pods)
	})
	x.version = r.version
}

// replace makes the pods those of a slot. Mostly there is one more than before, at the end.
func (x *podIndex) replace(slot int32, pods []fwk.PodInfo) {
	before := x.pods[slot]
	same := 0
	for same < len(pods) && same < len(before) && pods[same] == before[same] {
		same++
	}
	for name, index := range x.labels {
		for _, pod := range before[same:] {
			index.count(name, slot, pod.GetPod(), -1)
		}
		for _, pod := range pods[same:] {
			index.count(name, slot, pod.GetPod(), +1)
		}
	}
	clear(before[same:]) // What is gone is not kept alive.
	x.pods[slot] = append(before[:same], pods[same:]...)
}

// count adds a pod to those of a slot, or takes it away.
func (l labelIndex) count(label string, slot int32, pod *corev1.Pod, sign int) {
	value, has := pod.Labels[label]
	if !has {
		return
	}
	key := podValue{pod.Namespace, value}
	slots := l[key]
	if slots == nil {
		slots = map[int32]int{}
		l[key] = slots
	}
	if slots[slot] += sign; slots[slot] == 0 {
		delete(slots, slot)
	}
	if len(slots) == 0 {
		delete(l, key)
	}
}

// find returns the slots for each namespace and value that there are.
func (l labelIndex) find(pods *PodsWith) (found []map[int32]int) {
	for _, namespace := range pods.Namespaces {
		for _, value := range pods.Values {
			if slots := l[podValue{namespace, value}]; len(slots) > 0 {
				found = append(found, slots)
			}
		}
	}
	return found
}
