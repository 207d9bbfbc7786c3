package equivalence

import (
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// nominated are the nodes to which pods are nominated that go before those of a class.
type nominated struct {
	// version is that of the nominations when they were last read. Negative means that they are to be read again.
	version int64
	// nodes holds by number the version of the nominations that the node is evaluated with. The version own is never
	// current.
	nodes map[int]int64
}

// own stands for nominations of which one is the present pod's, so that they count differently for every other pod.
const own = -1

// readNominations marks the nodes as pending to which other pods are nominated than when they were evaluated.
func (t *Class) readNominations(a Attempt) {
	version := t.nominations.NominationsVersion()
	if version == t.nominated.version {
		return
	}
	t.nominated.version = version
	now := map[int]int64{}
	priority := schedulinghelpers.PodPriority(a.Pod)
	numbers := a.Snapshot.Names().Number
	t.nominations.VisitNominations(func(node string, version int64, pods []fwk.PodInfo) {
		number, exists := numbers[node]
		if !exists {
			return
		}
		for _, pod := range pods {
			switch other := pod.GetPod(); {
			case other.UID == a.Pod.UID:
				version = own
				t.nominated.version = own
			case schedulinghelpers.PodPriority(other) >= priority:
				now[number] = 0
			}
		}
		if _, before := now[number]; before {
			now[number] = version
		}
	})
	for number := range t.nominated.nodes {
		if _, still := now[number]; !still {
			t.markPending(number)
		}
	}
	for number, version := range now {
		if evaluated, known := t.nominated.nodes[number]; !known || evaluated != version || version == own {
			t.markPending(number)
		}
	}
	t.nominated.nodes = now
}
